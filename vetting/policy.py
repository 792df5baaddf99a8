"""What a qualification asks for: an expression over facts, without code and without negation.

    expr = {"all_of": [expr…]} | {"any_of": [expr…]} | {"n_of": {"n": 2, "of": [expr…]}} | leaf
    leaf = {"credential": "licence", "min_a": "a3", "jurisdiction": ["US-*"], "max_age_days": 365}
         | {"identity": "i2"} | {"assessment": "cardiology-reading", "min_version": 3}
         | {"qualification": "medicine.preference", "level": 1} | {"terms": "confidentiality"}

Strong Kleene: what is not decided yet counts neither way unless the rest settles the matter. A new
fact never turns `met` into anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from marketplace.kit.errors import InvalidInput

Truth = Literal["met", "unmet", "undecided"]
Expression = Mapping[str, Any]  # Any: JSON that `check_expression` has read
DEEPEST = 4
MOST_LEAVES = 40
_GROUPS = ("all_of", "any_of", "n_of")
_LEAVES: dict[str, dict[str, type]] = {
    "credential": {"credential": str, "min_a": str, "jurisdiction": list, "max_age_days": int},
    "identity": {"identity": str},
    "assessment": {"assessment": str, "min_version": int},
    "qualification": {"qualification": str, "level": int},
    "terms": {"terms": str},
}


class InvalidPolicy(InvalidInput):
    """The expression cannot be read; the message says where."""

    code = "invalid_policy"


@dataclass(frozen=True, slots=True)
class CredentialFact:
    """A credential as policies see it. `is_pending` while its check runs."""

    kind: str
    assurance: str
    jurisdiction: str
    since: datetime
    is_pending: bool = False


@dataclass(frozen=True, slots=True)
class AssessmentFact:
    """The best result in a test: `met` passed, `undecided` running, `unmet` failed."""

    truth: Truth
    version: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known about one person that a policy may ask for."""

    credentials: Sequence[CredentialFact] = ()
    identity: str = "i0"
    assessments: Mapping[str, AssessmentFact] = field(default_factory=dict)
    qualifications: frozenset[tuple[str, int]] = frozenset()
    terms: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reason:
    """A node of the answer: the person's checklist, the reviewer's page, the basis of a grant."""

    truth: Truth
    asks: str
    parts: tuple[Reason, ...] = ()

    def as_json(self) -> dict[str, Any]:  # Any: a tree of the same
        """The tree as it is kept."""
        tree: dict[str, Any] = {"truth": self.truth, "asks": self.asks}
        if self.parts:
            tree["parts"] = [part.as_json() for part in self.parts]
        return tree

    def missing(self) -> list[str]:
        """What to get, in words, for the answer to stop being unmet."""
        return self.leaves("unmet")

    def undecided(self) -> list[str]:
        """What is still being checked, in words, while that keeps the answer undecided."""
        return self.leaves("undecided")

    def leaves(self, truth: Truth) -> list[str]:
        """The conditions that keep the answer at `truth`; none where the answer is another."""
        if self.truth != truth:
            return []
        if not self.parts:
            return [self.asks]
        return [words for part in self.parts for words in part.leaves(truth)]


def check_expression(expression: Expression) -> None:
    """Refuse what `evaluate` could not read: unknown words, depth over 4, more than 40 leaves."""
    leaves = _check(expression, depth=1)
    if leaves > MOST_LEAVES:
        raise InvalidPolicy(f"The policy has {leaves} conditions; {MOST_LEAVES} is the most.")


def evaluate(expression: Expression, facts: Facts, at: datetime) -> Reason:
    """Whether the facts meet a checked expression at that instant, and why."""
    word = _word(expression)
    if word not in _GROUPS:
        return _LEAF_RULES[word](expression, facts, at)
    needed, of = _group(expression, word)
    parts = tuple(evaluate(part, facts, at) for part in of)
    met = sum(part.truth == "met" for part in parts)
    undecided = sum(part.truth == "undecided" for part in parts)
    truth: Truth = "met" if met >= needed else "undecided" if met + undecided >= needed else "unmet"
    names = {"all_of": "all of these", "any_of": "one of these"}
    return Reason(truth, names.get(word, f"{needed} of these"), parts)


def _check(expression: object, *, depth: int) -> int:
    if not isinstance(expression, dict) or not expression:
        raise InvalidPolicy("Each part of a policy is an object such as {“identity”: “i1”}.")
    word = _word(expression)
    if word not in _GROUPS:
        _check_leaf(expression, word)
        return 1
    if depth >= DEEPEST:
        raise InvalidPolicy(f"The policy is nested deeper than {DEEPEST} levels.")
    needed, of = _group(expression, word)
    if not of or not 1 <= needed <= len(of):
        raise InvalidPolicy(f"“{word}” asks for {needed} of {len(of)} conditions.")
    return sum(_check(part, depth=depth + 1) for part in of)


def _word(expression: Expression) -> str:
    found = [word for word in (*_GROUPS, *_LEAVES) if word in expression]
    if len(found) != 1:
        raise InvalidPolicy(f"Unknown condition: {', '.join(map(str, expression))}.")
    return found[0]


def _group(expression: Expression, word: str) -> tuple[int, list[Expression]]:
    inner = expression[word]
    if word == "n_of" and isinstance(inner, dict):
        needed, of = inner.get("n"), inner.get("of")
    else:
        needed, of = 1, inner
    if len(expression) != 1 or not isinstance(of, list) or type(needed) is not int:
        raise InvalidPolicy(f"“{word}” takes a list of conditions and nothing else.")
    return (len(of) if word == "all_of" else needed), of


def _check_leaf(expression: Expression, word: str) -> None:
    known = _LEAVES[word]
    for name, value in expression.items():
        if name not in known or type(value) is not known[name]:
            raise InvalidPolicy(f"“{word}” does not take “{name}” like this.")
    if expression.get("min_a", "a0") not in ("a0", "a1", "a2", "a3"):
        raise InvalidPolicy("“min_a” is one of a0, a1, a2, a3.")
    if word == "identity" and expression["identity"] not in ("i0", "i1", "i2"):
        raise InvalidPolicy("“identity” is one of i0, i1, i2.")
    if not all(isinstance(place, str) for place in expression.get("jurisdiction", [])):
        raise InvalidPolicy("“jurisdiction” is a list such as [“US-*”, “DE”].")


def _credential(leaf: Expression, facts: Facts, at: datetime) -> Reason:
    asks = f"a verified {leaf['credential']}"
    if "jurisdiction" in leaf:
        asks += f" for {' or '.join(leaf['jurisdiction'])}"
    fitting = [fact for fact in facts.credentials if _fits(leaf, fact, at)]
    judged = [fact for fact in fitting if not fact.is_pending]
    if any(fact.assurance >= leaf.get("min_a", "a2") for fact in judged):
        return Reason("met", asks)
    return Reason("undecided" if len(fitting) > len(judged) else "unmet", asks)


def _fits(leaf: Expression, fact: CredentialFact, at: datetime) -> bool:
    if fact.kind != leaf["credential"]:
        return False
    places = leaf.get("jurisdiction")
    if places is not None and not any(_is_in(fact.jurisdiction, place) for place in places):
        return False
    days = leaf.get("max_age_days")
    return fact.is_pending or days is None or at - fact.since <= timedelta(days=days)


def _is_in(jurisdiction: str, place: str) -> bool:
    if place.endswith("-*"):
        return jurisdiction.startswith(place[:-1])
    return jurisdiction == place


def _identity(leaf: Expression, facts: Facts, _at: datetime) -> Reason:
    words = {
        "i0": "an account",
        "i1": "an account with a second factor",
        "i2": "a proofed identity",
    }
    wanted = leaf["identity"]
    return Reason("met" if facts.identity >= wanted else "unmet", words[wanted])


def _assessment(leaf: Expression, facts: Facts, _at: datetime) -> Reason:
    asks = f"the test {leaf['assessment']} passed"
    fact = facts.assessments.get(leaf["assessment"])
    if fact is None or fact.version < leaf.get("min_version", 1):
        return Reason("unmet", asks)
    return Reason(fact.truth, asks)


def _qualification(leaf: Expression, facts: Facts, _at: datetime) -> Reason:
    level = leaf.get("level", 1)
    held = any(
        slug == leaf["qualification"] and have >= level for slug, have in facts.qualifications
    )
    return Reason("met" if held else "unmet", f"{leaf['qualification']} at level {level}")


def _terms(leaf: Expression, facts: Facts, _at: datetime) -> Reason:
    return Reason(
        "met" if leaf["terms"] in facts.terms else "unmet",
        f"the {leaf['terms'].replace('_', ' ')} terms accepted",
    )


_LEAF_RULES: dict[str, Callable[[Expression, Facts, datetime], Reason]] = {
    "credential": _credential,
    "identity": _identity,
    "assessment": _assessment,
    "qualification": _qualification,
    "terms": _terms,
}
