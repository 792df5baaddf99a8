"""What to buy next where answers are dear and few: answer, review, adjudication, or nothing.

The belief p over labels, the prices c, and the price w of publishing a wrong label make one risk:

    R_0(p) = min( w·(1 - max p),  c_adjudication + w·(1 - m_adjudication) )
    R_d(p) = min( R_0(p),  c_act + Σ over outcomes of P(outcome)·R_{d-1}(p | outcome) )

answer   by accuracy m: its label l has P(l | k) = m if k = l else (1 - m)/(K - 1)
review   of the leading label, if one leads: says right or wrong, correctly with accuracy m
adjudication is final: its error is 1 - m whatever was believed before

Errors are independent given the truth; a reviewer who leans towards what is shown has a lower m.
So an act is bought while it removes more than 1/w of expected error per unit of price, and of
several the one that leaves least risk. Looking d = 3 acts ahead matters: one answer seldom turns a
label, two do, and a myopic rule would never buy the first. This is Wald's sequential test with
several kinds of observation. One proven answer, or one answer and a review, are ordinary outcomes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import groupby
from math import inf
from typing import Literal, NamedTuple, TypeVar

from marketplace.quality.errors import InvalidSetting

Label = TypeVar("Label", bound=Hashable)
Act = Literal["answer", "review", "adjudicate", "stop"]
_Belief = tuple[float, ...]  # probabilities in descending order: labels are exchangeable


@dataclass(frozen=True, slots=True)
class Costs:
    """Prices in one unit (minutes or money): of each act, and of stopping on a wrong label.

    An act that is not to be had costs infinity.
    """

    answer: float
    wrong: float
    review: float = inf
    adjudication: float = inf

    def __post_init__(self) -> None:
        if not (min(self.answer, self.review, self.adjudication) > 0.0 and 0.0 <= self.wrong < inf):
            raise InvalidSetting(f"{self} has a price that is not positive")


@dataclass(frozen=True, slots=True)
class Accuracies:
    """P(right) of the next answer, of a review's verdict, of an adjudication (score means)."""

    answer: float = 0.75
    review: float = 0.75
    adjudication: float = 0.95

    def __post_init__(self) -> None:
        if not all(0.0 < m < 1.0 for m in (self.answer, self.review, self.adjudication)):
            raise InvalidSetting(f"{self} leaves (0, 1)")


class Plan(NamedTuple):
    """The next act, the expected price still to pay, the error now and after following the plan."""

    act: Act
    price: float
    error_now: float
    error_after: float

    @property
    def removed_per_price(self) -> float:
        """Expected error removed per unit of price; 0 when stopping."""
        return (self.error_now - self.error_after) / self.price if self.price else 0.0


class Market(NamedTuple):
    """What acts cost and are worth."""

    costs: Costs
    accuracies: Accuracies


class _Outlook(NamedTuple):
    risk: float
    act: Act
    price: float
    error: float


def next_act(
    posterior: Mapping[Label, float],
    costs: Costs,
    *,
    accuracies: Accuracies = Accuracies(),
    later: Market | None = None,
    ahead: int = 3,
) -> Plan:
    """The act that leaves least expected risk, looking `ahead` acts.

    `posterior` holds every label of the task and sums to 1 (`Posterior.as_dict`, `aggregate`).
    `costs` and `accuracies` are those of the person who could act now, `later` those of whoever
    comes afterwards; the same when not given.
    """
    if len(posterior) < 2 or abs(sum(posterior.values()) - 1.0) > 1e-6:
        raise InvalidSetting(f"{dict(posterior)!r} is no posterior over two labels or more")
    belief = tuple(sorted(posterior.values(), reverse=True))
    now = Market(costs, accuracies)
    best = _look(belief, now, later or now, ahead)
    return Plan(best.act, best.price, 1.0 - belief[0], best.error)


def _look(belief: _Belief, now: Market, later: Market, ahead: int) -> _Outlook:
    costs, accuracies = now
    error, final = 1.0 - belief[0], 1.0 - accuracies.adjudication
    best = _Outlook(costs.wrong * error, "stop", 0.0, error)
    price = costs.adjudication
    best = min(best, _Outlook(price + costs.wrong * final, "adjudicate", price, final))
    if ahead and costs.answer < best.risk:
        outcomes = _after_answer(belief, accuracies.answer)
        best = min(best, _expect("answer", costs.answer, outcomes, later, ahead))
    if ahead and costs.review < best.risk and belief[0] > belief[1]:
        outcomes = _after_review(belief, accuracies.review)
        best = min(best, _expect("review", costs.review, outcomes, later, ahead))
    return best


def _expect(
    act: Act, price: float, outcomes: list[tuple[float, _Belief]], later: Market, ahead: int
) -> _Outlook:
    risk, paid, error = price, price, 0.0
    for p, belief in outcomes:
        then = _look(belief, later, later, ahead - 1)
        risk, paid, error = risk + p * then.risk, paid + p * then.price, error + p * then.error
    return _Outlook(risk, act, paid, error)


def _after_answer(belief: _Belief, m: float) -> list[tuple[float, _Belief]]:
    """Each label that could be given: its probability and the belief after it.

    Equally likely labels lead to the same belief and are counted once.
    """
    miss = (1.0 - m) / (len(belief) - 1)
    outcomes, i = [], 0
    for _, alike in groupby(belief):
        n = len(list(alike))
        weights = [x * (m if j == i else miss) for j, x in enumerate(belief)]
        outcomes.append((n * sum(weights), _normalised(weights)))
        i += n
    return outcomes


def _after_review(belief: _Belief, m: float) -> list[tuple[float, _Belief]]:
    right = [belief[0] * m, *(x * (1.0 - m) for x in belief[1:])]
    wrong = [belief[0] * (1.0 - m), *(x * m for x in belief[1:])]
    return [(sum(weights), _normalised(weights)) for weights in (right, wrong)]


def _normalised(weights: list[float]) -> _Belief:
    total = sum(weights)
    return tuple(sorted((x / total for x in weights), reverse=True))
