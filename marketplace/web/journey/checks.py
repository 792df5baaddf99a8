"""What must be true of a journey, recomputed from its files and from the sandbox's own objects.

Pure: `Evidence` is gathered elsewhere, so each check can be shown to fail on a planted defect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SPEARMAN_LEAST = 0.6
SPEARMAN_FROM = 12  # experts; fewer say too little


@dataclass(frozen=True)
class Evidence:
    """Everything the checks look at. Money is in minor units.

    `earning_keys` are the keys of all earnings, `earning_states` their states, `transfers` the
    amounts of the sandbox's transfer objects, `pays` and `fees` those of the earnings, `charged`
    what the sandbox says the client's card was charged, `left` what the client has unspent.
    `data`, `ties` and `votes` are the lines of the export's files.
    """

    rows: int
    tasks: int
    answers: int
    approved: Sequence[str]
    earning_keys: Sequence[str]
    earning_states: Sequence[str]
    pays: int
    fees: int
    transfers: Sequence[int]
    charged: int
    left: int
    ledger_problems: Sequence[str]
    chain_problems: Sequence[str]
    data: Sequence[Mapping[str, object]]
    ties: Sequence[Mapping[str, object]]
    votes: Sequence[Mapping[str, object]]
    columns: frozenset[str]
    score_means: Sequence[float]
    true_accuracies: Sequence[float]


@dataclass(frozen=True)
class Check:
    """One sentence, whether it holds, and what was seen."""

    name: str
    is_met: bool
    seen: str


def check(evidence: Evidence) -> list[Check]:
    """Every check, in the order in which a reader wants them."""
    e = evidence
    wanted = sorted(f"assignment:{key}" for key in e.approved)
    paid = sum(1 for state in e.earning_states if state == "paid")
    shapes = {frozenset(row) for row in e.data}
    checks = [
        Check("every row is one task", e.tasks == e.rows > 0, f"{e.tasks} tasks, {e.rows} rows"),
        Check(
            "every row is answered and approved as often as planned",
            len(e.approved) == e.rows * e.answers,
            f"{len(e.approved)} approved, {e.rows} × {e.answers} planned",
        ),
        Check(
            "every approval is exactly one earning",
            sorted(e.earning_keys) == wanted,
            f"{len(e.earning_keys)} earnings",
        ),
        Check("every earning is paid", paid == len(e.earning_states) > 0, f"{paid} paid"),
        Check(
            "transfers at the bank equal what was earned",
            sum(e.transfers) == e.pays,
            f"{sum(e.transfers)} transferred, {e.pays} earned",
        ),
        Check(
            "money in equals pay, fee and what is left",
            e.charged == e.pays + e.fees + e.left,
            f"{e.charged} = {e.pays} + {e.fees} + {e.left}",
        ),
        Check("the ledger holds", not e.ledger_problems, _first(e.ledger_problems)),
        Check("the chain of events holds", not e.chain_problems, _first(e.chain_problems)),
        Check(
            "every task is exported or a tie",
            len(e.data) + len(e.ties) == e.tasks,
            f"{len(e.data)} exported, {len(e.ties)} ties",
        ),
        Check("every task travels with its votes", _votes_whole(e), f"{len(e.votes)} tasks"),
        Check(
            "the export has the columns that trainers read",
            shapes == {e.columns},
            ", ".join(sorted(e.columns)),
        ),
    ]
    return [*checks, *_score_check(e)]


def _votes_whole(e: Evidence) -> bool:
    counts = {
        len(votes)
        for row in e.votes
        for name, votes in row.items()
        if name in {"individual_preference", "votes"} and isinstance(votes, list)
    }
    return len(e.votes) == e.tasks and counts == {e.answers}


def _score_check(e: Evidence) -> list[Check]:
    if len(e.score_means) < SPEARMAN_FROM:
        return []
    value = spearman(e.score_means, e.true_accuracies)
    return [
        Check(
            "skill scores follow true accuracy",
            value >= SPEARMAN_LEAST,
            f"Spearman {value:.2f} over {len(e.score_means)} experts",
        )
    ]


def _first(problems: Sequence[str]) -> str:
    return f"{len(problems)} problems: {problems[0]}" if problems else "no problem"


def spearman(left: Sequence[float], right: Sequence[float]) -> float:
    """Rank correlation, Pearson's of the mid-ranks (Spearman 1904); 0 if a side is constant."""
    first, second = _ranks(left), _ranks(right)
    middle = (len(first) + 1) / 2
    product = sum((a - middle) * (b - middle) for a, b in zip(first, second, strict=True))
    spread_first = sum((a - middle) ** 2 for a in first)
    spread_second = sum((b - middle) ** 2 for b in second)
    norm: float = (spread_first * spread_second) ** 0.5
    return product / norm if norm else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1; equal values share the middle of their places."""
    ordered = sorted(values)
    return [ordered.index(value) + (ordered.count(value) + 1) / 2 for value in values]
