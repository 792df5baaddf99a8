"""Evidence adds up to scores, in any order, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from marketplace.events.models import Event
from marketplace.jobs.models import Job
from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit import clock
from marketplace.kit.ids import uuid7
from marketplace.people.models import Expert
from tests.vetting import build
from tests.vetting.build import DAY, NOON
from vetting.models import PendingEvidence, QualityEvent, Skill, SkillScore
from vetting.selectors.scores import skill_score, skill_scores
from vetting.services.scoring import (
    AlreadyCounted,
    InvalidEvidence,
    rebuild_scores,
    record_evidence,
    undo_evidence,
    update_score,
)

pytestmark = pytest.mark.django_db


# Any: the words of record_evidence.
def evidence(
    expert: Expert,
    skill: Skill,
    *,
    credit: float = 1.0,
    source: str = "gold",
    at: datetime = NOON,
    **more: Any,
) -> QualityEvent:
    given: dict[str, Any] = {"subject_kind": "task", "subject_id": uuid7()} | more
    return record_evidence(
        expert=expert, skill=skill, source=source, credit=credit, happened_at=at, **given
    )


def score_of(expert: Expert, skill: Skill, *, at: datetime = NOON) -> SkillScore:
    with clock.at(at):
        run_due_jobs()
    return SkillScore.objects.get(expert=expert, skill=skill)


def test_without_evidence_a_score_is_the_prior_of_its_skill() -> None:
    reading = skill_score(build.expert(), build.skill(), NOON)

    assert (reading.mean, reading.n_eff, reading.tier, reading.events) == (0.75, 0, "probation", 0)
    assert reading.low < 0.75 < reading.high


def test_a_job_adds_the_evidence_to_the_score() -> None:
    expert, skill = build.expert(), build.skill()
    evidence(expert, skill)
    evidence(expert, skill, credit=0.0)
    evidence(expert, skill, source="review", credit=0.5)

    score = score_of(expert, skill)

    assert score.right_weight == pytest.approx(1.35)
    assert score.wrong_weight == pytest.approx(1.35)
    assert (score.gold_right, score.gold_wrong, score.n_events) == (1.0, 1.0, 3)
    reading = skill_score(expert, skill, NOON)
    assert reading.mean == pytest.approx((4.5 + 1.35) / (6 + 2.7))
    assert reading.n_eff == pytest.approx(2.7)
    assert skill_scores(expert, NOON).keys() == {skill.pk}
    assert not PendingEvidence.objects.exists()


def test_recording_evidence_takes_few_statements() -> None:
    expert, skill = build.expert(), build.skill()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        evidence(expert, skill)

    assert len([q for q in queries if "SAVEPOINT" not in q["sql"]]) == 4


def test_evidence_fades_by_half_in_180_days() -> None:
    expert, skill = build.expert(), build.skill()
    evidence(expert, skill)
    score_of(expert, skill)

    reading = skill_score(expert, skill, NOON + 180 * DAY)

    assert reading.n_eff == pytest.approx(0.5)


def test_old_evidence_counts_by_its_age_however_late_it_arrives() -> None:
    expert, skill = build.expert(), build.skill()
    evidence(expert, skill, at=NOON - 180 * DAY)

    assert score_of(expert, skill).right_weight == pytest.approx(0.5)


def test_the_same_subject_counts_once_per_source_and_round() -> None:
    expert, skill = build.expert(), build.skill()
    subject = uuid7()
    evidence(expert, skill, subject_id=subject)

    with pytest.raises(AlreadyCounted):
        evidence(expert, skill, subject_id=subject)
    evidence(expert, skill, subject_id=subject, round=2)
    evidence(expert, skill, subject_id=subject, source="review")

    assert QualityEvent.objects.count() == 3


def test_an_undo_leaves_no_trace_in_the_score_even_months_later() -> None:
    expert, skill = build.expert(), build.skill()
    event = evidence(expert, skill, credit=0.0)
    evidence(expert, skill)
    score_of(expert, skill)

    with clock.at(NOON + 100 * DAY):
        undo_evidence(event=event)
    score = score_of(expert, skill, at=NOON + 100 * DAY)

    assert score.wrong_weight == pytest.approx(0.0, abs=1e-12)
    assert score.gold_wrong == pytest.approx(0.0, abs=1e-12)
    assert score.right_weight == pytest.approx(2.0 ** (-100 / 180))


def test_an_event_is_undone_once_and_an_undo_never() -> None:
    event = evidence(build.expert(), build.skill())
    undo = undo_evidence(event=event)

    with pytest.raises(AlreadyCounted):
        undo_evidence(event=event)
    with pytest.raises(InvalidEvidence):
        undo_evidence(event=undo)


@pytest.mark.parametrize(
    "wrong",
    [{"credit": 1.01}, {"credit": -0.1}, {"source": "rumour"}, {"weight": 1.5}, {"weight": -1.0}],
)
def test_evidence_that_means_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvidence):
        evidence(build.expert(), build.skill(), **wrong)


def test_evidence_from_the_future_is_refused_beyond_five_minutes_of_skew() -> None:
    expert, skill = build.expert(), build.skill()
    evidence(expert, skill, at=NOON + timedelta(minutes=5), subject_kind="task")

    with pytest.raises(InvalidEvidence):
        record_evidence(
            expert=expert,
            skill=skill,
            source="gold",
            credit=1.0,
            subject_kind="task",
            subject_id=uuid7(),
            happened_at=NOON + timedelta(minutes=6),
            at=NOON,
        )


def test_a_rebuilt_score_is_the_score() -> None:
    expert, skill = build.expert(), build.skill()
    draw = Random(7)
    for n in range(40):
        source = draw.choice(["gold", "review", "consensus", "verdict"])
        event = evidence(
            expert, skill, credit=draw.random(), source=source, at=NOON - draw.random() * 300 * DAY
        )
        if n % 7 == 0:
            undo_evidence(event=event)
        if n % 5 == 0:
            score_of(expert, skill, at=NOON - draw.random() * 3 * DAY)
    before = score_of(expert, skill)

    assert rebuild_scores(at=before.as_of) == 1

    after = SkillScore.objects.get(pk=before.pk)
    for column in ("right_weight", "wrong_weight", "gold_right", "gold_wrong"):
        assert getattr(after, column) == pytest.approx(getattr(before, column), abs=1e-9)
    assert (after.n_events, after.tier) == (before.n_events, before.tier)


def test_a_job_that_runs_twice_adds_nothing_twice() -> None:
    expert, skill = build.expert(), build.skill()
    evidence(expert, skill)
    score = score_of(expert, skill)

    assert update_score(expert_id=expert.pk, skill_id=skill.pk, at=NOON) is None
    assert Job.objects.filter(kind="vetting.update_score", state="done").count() == 1
    assert SkillScore.objects.get(pk=score.pk).version == score.version


def test_good_evidence_raises_the_tier_and_bad_evidence_never_lowers_it() -> None:
    expert, skill = build.expert(), build.skill()
    for _ in range(12):
        evidence(expert, skill)
    assert score_of(expert, skill).tier == "t1"
    for _ in range(30):
        evidence(expert, skill, credit=0.0)

    score = score_of(expert, skill)

    assert score.tier == "t1"
    assert skill_score(expert, skill, NOON).lower_bound < 0.4
    assert Event.objects.filter(kind="tier.raised").count() == 1


def test_a_new_score_starts_between_its_skill_and_the_person_elsewhere() -> None:
    expert, first = build.expert(), build.skill()
    second = build.skill(first.domain, "classification")
    for _ in range(20):
        evidence(expert, first)
    score_of(expert, first)
    elsewhere = skill_score(expert, first, NOON).mean

    evidence(expert, second)

    assert score_of(expert, second).prior_mean == pytest.approx(0.375 + elsewhere / 2)


@pytest.mark.parametrize("change", [{"credit": 0.0}, {"weight": -1.0}], ids=["credit", "weight"])
def test_quality_events_are_never_edited_or_deleted(change: dict[str, object]) -> None:
    event = evidence(build.expert(), build.skill())

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        QualityEvent.objects.filter(pk=event.pk).update(**change)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        QualityEvent.objects.filter(pk=event.pk)._raw_delete("default")


def test_only_an_undo_may_take_weight_away() -> None:
    expert, skill = build.expert(), build.skill()

    with pytest.raises(IntegrityError, match="only_an_undo_takes_weight_away"):
        QualityEvent.objects.create(
            expert=expert,
            skill=skill,
            source="gold",
            weight=-1.0,
            credit=1.0,
            subject_kind="task",
            subject_id=uuid7(),
            happened_at=NOON,
        )
