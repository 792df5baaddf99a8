"""Skill scores as pages show them: value, interval, n; below ten checks nothing is said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from marketplace.people.models import Expert
from vetting.models import Skill, SkillScore
from vetting.selectors.scores import SkillReading, reading

FEWEST = 10


@dataclass(frozen=True, slots=True)
class Score:
    """One skill's posterior, in percent."""

    skill: Skill
    tier: str
    value: float
    low: int
    high: int
    n: int

    @property
    def is_known(self) -> bool:
        """Whether there is enough to say."""
        return self.n >= FEWEST

    @property
    def width(self) -> int:
        """How wide the interval is drawn."""
        return self.high - self.low


def scores_of(expert: Expert, *, at: datetime) -> list[Score]:
    """Every skill in which there is evidence about the expert."""
    known = SkillScore.objects.filter(expert=expert).select_related("skill__domain")
    return [_score(row.skill, reading(row, at)) for row in known.order_by("skill__slug", "id")]


def _score(skill: Skill, read: SkillReading) -> Score:
    return Score(
        skill=skill,
        tier=read.tier,
        value=round(100 * read.mean, 1),
        low=round(100 * read.low),
        high=round(100 * read.high),
        n=read.events,
    )
