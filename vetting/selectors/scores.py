"""Scores as they read at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from marketplace.people.models import Expert
from marketplace.quality import skill as arithmetic
from marketplace.quality.skill import Event
from marketplace.quality.skill import Skill as Posterior
from vetting.models import Skill, SkillScore

DAY = timedelta(days=1)


@dataclass(frozen=True)
class SkillReading:
    """A score with its evidence: accuracy `mean`, 95 % interval, `n_eff` answers' worth.

    `events` counts the rows behind it; `posterior` is what gating and draws are made from.
    """

    posterior: Posterior
    tier: str
    events: int

    @property
    def mean(self) -> float:
        """Expected accuracy."""
        return self.posterior.mean

    @property
    def n_eff(self) -> float:
        """Evidence beyond the prior, in answers, faded by age."""
        return self.posterior.n_eff

    @property
    def lower_bound(self) -> float:
        """What gating reads."""
        return self.posterior.lower_bound

    @cached_property
    def _interval(self) -> tuple[float, float]:
        return self.posterior.interval()

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self._interval[0]

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self._interval[1]


def skill_score(expert: Expert, skill: Skill, at: datetime) -> SkillReading:
    """The score of an expert in a skill; the prior where there is no evidence yet."""
    score = SkillScore.objects.filter(expert=expert, skill=skill).order_by("id").first()
    if score is None:
        return SkillReading(arithmetic.prior(skill.mean), "probation", 0)
    return reading(score, at)


def skill_scores(expert: Expert, at: datetime) -> dict[UUID, SkillReading]:
    """All scores of an expert by skill id, in one query."""
    return {s.skill_id: reading(s, at) for s in SkillScore.objects.filter(expert=expert)}


def reading(score: SkillScore, at: datetime) -> SkillReading:
    """A row faded to `at`."""
    faded = faded_to(score, at)
    return SkillReading(faded, score.tier, score.n_events)


def posterior_of(score: SkillScore) -> Posterior:
    """The row as the arithmetic knows it, as of its own instant."""
    before = arithmetic.prior(score.prior_mean)
    return Posterior(
        before.alpha + score.right_weight,
        before.beta + score.wrong_weight,
        score.gold_right,
        score.gold_wrong,
    )


def faded_to(score: SkillScore, at: datetime) -> Posterior:
    """The posterior decayed from the row's instant to `at`; never backwards."""
    before = arithmetic.prior(score.prior_mean)
    return arithmetic.decay(posterior_of(score), days=(at - score.as_of) / DAY, prior=before)


def as_evidence(
    *, source: str, credit: float, weight: float, happened_at: datetime, at: datetime
) -> Event:
    """An event's row as the arithmetic knows it at an instant."""
    return Event(source, credit, weight, (at - happened_at) / DAY)


def starting_mean(expert: Expert, skill: Skill, at: datetime) -> float:
    """m₀ of a new score: the skill's mean, half moved to the expert's own in the domain."""
    others = SkillScore.objects.filter(expert=expert, skill__domain=skill.domain_id)
    elsewhere = [faded_to(score, at) for score in others.exclude(skill=skill)]
    return arithmetic.prior_mean(skill.mean, elsewhere=elsewhere)
