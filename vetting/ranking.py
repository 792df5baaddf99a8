"""Which question of a test comes next: topic by weight, then the least shown of three."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

NEAR = 1.2
MOST_EXPOSED = 0.35
DRAWN = 3


@dataclass(frozen=True, slots=True)
class Topic:
    """A part of the blueprint: its share of the questions and the fewest of them."""

    name: str
    weight: float
    minimum: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that this person has not seen. `exposure` is its share of recent attempts."""

    id: UUID
    topic: str
    difficulty: float
    exposure: float


def next_item(
    candidates: Sequence[Candidate],
    *,
    shown: Sequence[str],
    topics: Sequence[Topic],
    cut: float,
    seed: int,
    minimum: int = 1,
) -> Candidate | None:
    """The next question; the same arguments give the same one. None when none is left.

    `shown` holds the topic of each question so far. Topics without a question left are passed over.
    Shares: each topic's fewest questions within the test's `minimum`, the rest by weight.
    """
    if not candidates:
        return None
    by_topic: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        by_topic.setdefault(candidate.topic, []).append(candidate)
    topic = _topic(by_topic, shown, topics, minimum)
    pool = _pool(by_topic[topic], cut)
    drawn = Random(f"{seed}:{len(shown)}").sample(  # noqa: S311 a fair draw, not a secret
        pool, min(DRAWN, len(pool))
    )
    return min(drawn, key=lambda candidate: (candidate.exposure, candidate.id))


def minimums_met(shown: Iterable[str], topics: Sequence[Topic]) -> bool:
    """Whether every topic of the blueprint has had its fewest questions."""
    count = Counter(shown)
    return all(count[topic.name] >= topic.minimum for topic in topics)


def _topic(
    by_topic: Mapping[str, Sequence[Candidate]],
    shown: Sequence[str],
    topics: Sequence[Topic],
    minimum: int,
) -> str:
    count = Counter(shown)
    total = sum(topic.weight for topic in topics) or 1.0
    reserved = sum(topic.minimum for topic in topics)
    within = max(minimum, reserved, 1)
    shares = {
        topic.name: (topic.minimum + (within - reserved) * topic.weight / total) / within
        for topic in topics
    }
    return max(
        sorted(by_topic), key=lambda name: shares.get(name, 0.0) * (len(shown) + 1) - count[name]
    )


def _pool(candidates: Sequence[Candidate], cut: float) -> list[Candidate]:
    ordered = sorted(candidates, key=lambda candidate: candidate.id)
    near = [each for each in ordered if abs(each.difficulty - cut) < NEAR]
    fresh = [each for each in near if each.exposure <= MOST_EXPOSED]
    return fresh or near or ordered
