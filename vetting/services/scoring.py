"""Evidence comes in, scores follow. Every number can be made again from its events."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from marketplace.events.services.recording import record
from marketplace.jobs.services.enqueueing import enqueue
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.people.models import Expert
from marketplace.quality import skill as arithmetic
from marketplace.quality.skill import Skill as Posterior
from vetting.models import PendingEvidence, QualityEvent, Skill, SkillScore
from vetting.models.scores import TIERS
from vetting.selectors.scores import as_evidence, faded_to, starting_mean

logger = logging.getLogger(__name__)
SKEW = timedelta(minutes=5)


class AlreadyCounted(DomainError):
    """This subject already counts for this source and round, or was already undone."""

    code = "already_counted"
    status = 409


class InvalidEvidence(InvalidInput):
    """The source is unknown, the credit is no share of 1, or the instant lies in the future."""

    code = "invalid_evidence"


@dataclass(frozen=True, slots=True)
class Finding:
    """How right somebody was about one subject: `credit` 0 … 1."""

    credit: float
    subject_kind: str
    subject_id: UUID
    weight: float | None = None


@transaction.atomic
def record_evidence(  # noqa: PLR0913 who, what, how right, about which, when
    *,
    expert: Expert,
    skill: Skill,
    source: str,
    credit: float,
    subject_kind: str,
    subject_id: UUID,
    happened_at: datetime,
    round: int = 1,  # noqa: A002 the word of the column
    weight: float | None = None,
    at: datetime | None = None,
) -> QualityEvent:
    """Keep one piece of evidence; a job adds it to the score. Four short statements.

    `weight` replaces the usual one of the source. Raises AlreadyCounted and InvalidEvidence.
    """
    finding = Finding(credit, subject_kind, subject_id, weight)
    return record_findings(
        expert=expert,
        skill=skill,
        source=source,
        findings=[finding],
        happened_at=happened_at,
        round=round,
        at=at,
    )[0]


@transaction.atomic
def record_findings(
    *,
    expert: Expert,
    skill: Skill,
    source: str,
    findings: Iterable[Finding],
    happened_at: datetime,
    round: int = 1,  # noqa: A002 the word of the column
    at: datetime | None = None,
) -> list[QualityEvent]:
    """Keep several pieces of evidence of one source and instant, with one job for all."""
    if happened_at > (at or happened_at) + SKEW:
        raise InvalidEvidence("Evidence cannot lie in the future.", errors=[])
    events = [
        QualityEvent(
            expert=expert,
            skill=skill,
            source=source,
            credit=finding.credit,
            weight=_weight(source, finding),
            subject_kind=finding.subject_kind,
            subject_id=finding.subject_id,
            round=round,
            happened_at=happened_at,
        )
        for finding in findings
    ]
    _keep(events)
    return events


@transaction.atomic
def undo_evidence(*, event: QualityEvent) -> QualityEvent:
    """Take an event out of the score as if it had never been: the same weight, negative, then.

    Grading again is an undo and the next round. Raises AlreadyCounted for a second undo.
    """
    if event.undoes_id is not None:
        raise InvalidEvidence("An undo is not undone; grade again with the next round.", errors=[])
    undo = QualityEvent(
        expert_id=event.expert_id,
        skill_id=event.skill_id,
        source=event.source,
        credit=event.credit,
        weight=-event.weight,
        subject_kind=event.subject_kind,
        subject_id=event.subject_id,
        round=event.round,
        happened_at=event.happened_at,
        undoes=event,
    )
    _keep([undo])
    return undo


def _weight(source: str, finding: Finding) -> float:
    if source not in arithmetic.WEIGHTS or not 0.0 <= finding.credit <= 1.0:
        raise InvalidEvidence(f"No evidence: {source!r} with credit {finding.credit}.", errors=[])
    weight = arithmetic.WEIGHTS[source] if finding.weight is None else finding.weight
    if not 0.0 <= weight <= 1.0:
        raise InvalidEvidence(f"A weight goes from 0 to 1, not {weight}.", errors=[])
    return weight


def _keep(events: Sequence[QualityEvent]) -> None:
    if not events:
        return
    try:
        with transaction.atomic():
            QualityEvent.objects.bulk_create(events)
    except IntegrityError as refused:
        raise AlreadyCounted("This already counts towards the score.") from refused
    PendingEvidence.objects.bulk_create(
        PendingEvidence(event=event, expert_id=event.expert_id, skill_id=event.skill_id)
        for event in events
    )
    last = events[-1]
    enqueue(
        "vetting.update_score",
        key=f"vetting.update_score:{last.pk}",
        expert_id=str(last.expert_id),
        skill_id=str(last.skill_id),
    )


@transaction.atomic
def update_score(*, expert_id: UUID, skill_id: UUID, at: datetime) -> SkillScore | None:
    """Add all evidence that waits for this score; None when another job already did."""
    score = _locked_score(expert_id, skill_id, at)
    waiting = PendingEvidence.objects.filter(expert_id=expert_id, skill_id=skill_id)
    events = list(
        QualityEvent.objects.filter(pending__in=waiting.select_for_update()).order_by("id")
    )
    if not events:
        return None
    latest = max(at, score.as_of, *(event.happened_at for event in events))
    _hold(score, _added(faded_to(score, latest), events, latest), at=latest)
    score.n_events += len(events)
    _raise_tier(score, at=at)
    score.save(update_fields=_KEPT)
    waiting.filter(event__in=events).delete()
    return score


_KEPT = [
    "right_weight",
    "wrong_weight",
    "gold_right",
    "gold_wrong",
    "as_of",
    "n_events",
    "tier",
    "tier_changed_at",
    "version",
]


def _locked_score(expert_id: UUID, skill_id: UUID, at: datetime) -> SkillScore:
    rows = SkillScore.objects.select_for_update()
    score = rows.filter(expert_id=expert_id, skill_id=skill_id).order_by("id").first()
    if score is not None:
        return score
    expert, skill = Expert.objects.get(pk=expert_id), Skill.objects.get(pk=skill_id)
    mean = starting_mean(expert, skill, at)
    fresh = SkillScore(expert=expert, skill=skill, prior_mean=mean, as_of=at)
    SkillScore.objects.bulk_create([fresh], ignore_conflicts=True)
    return rows.get(expert_id=expert_id, skill_id=skill_id)


def _added(before: Posterior, events: Iterable[QualityEvent], at: datetime) -> Posterior:
    return arithmetic.rebuild(
        (
            as_evidence(
                source=event.source,
                credit=event.credit,
                weight=event.weight,
                happened_at=event.happened_at,
                at=at,
            )
            for event in events
        ),
        prior=before,
    )


def _hold(score: SkillScore, now: Posterior, *, at: datetime) -> None:
    before = arithmetic.prior(score.prior_mean)
    score.right_weight = now.alpha - before.alpha
    score.wrong_weight = now.beta - before.beta
    score.gold_right, score.gold_wrong = now.gold_right, now.gold_wrong
    score.as_of = at
    score.version += 1


def _raise_tier(score: SkillScore, *, at: datetime) -> None:
    """A rise is automatic; a fall is somebody's decision and never happens here."""
    reached = arithmetic.tier(faded_to(score, score.as_of))
    if TIERS.index(reached) <= TIERS.index(score.tier):
        return
    record(
        "tier.raised",
        at=at,
        object_kind="skill_score",
        object_id=score.pk,
        expert=score.expert_id,
        data={"from": score.tier, "to": reached, "skill": str(score.skill_id)},
    )
    score.tier, score.tier_changed_at = reached, at


@transaction.atomic
def rebuild_score(*, expert: Expert, skill: Skill, at: datetime) -> SkillScore:
    """Make one score again from all its events; its tier and prior stay."""
    score = _locked_score(expert.pk, skill.pk, at)
    PendingEvidence.objects.filter(expert=expert, skill=skill).delete()
    events = list(QualityEvent.objects.filter(expert=expert, skill=skill).order_by("id"))
    latest = max(at, *(event.happened_at for event in events)) if events else at
    _hold(score, _added(arithmetic.prior(score.prior_mean), events, latest), at=latest)
    score.n_events = len(events)
    score.save(update_fields=_KEPT)
    return score


def rebuild_scores(*, at: datetime) -> int:
    """Make every score again from its events, each in its own transaction; how many there are."""
    pairs = QualityEvent.objects.order_by("expert_id", "skill_id").distinct("expert_id", "skill_id")
    count = 0
    for event in pairs.select_related("expert", "skill"):
        rebuild_score(expert=event.expert, skill=event.skill, at=at)
        count += 1
    return count
