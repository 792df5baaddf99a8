"""Where an attempt stands: what was shown, what was answered, what could come next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, QuerySet

from marketplace.people.models import Expert
from marketplace.quality import ability
from vetting.models import Assessment, AssessmentVersion, Attempt, AttemptItem, Item, Response
from vetting.ranking import Candidate, Topic

EXPOSURE_WINDOW = timedelta(days=30)
FEW_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Answered:
    """A question of an attempt with its last saved answer; None while it has none."""

    shown: AttemptItem
    item: Item
    choices: tuple[int, ...] | None

    @property
    def is_right(self) -> bool:
        """Whether exactly the right options were chosen."""
        return self.choices is not None and set(self.choices) == set(self.item.key)


def answered(attempt: Attempt) -> list[Answered]:
    """The questions of an attempt in their order, each with its last answer."""
    shown = list(attempt.shown.select_related("item").order_by("position"))
    last: dict[UUID, tuple[int, ...]] = {}
    for response in Response.objects.filter(attempt_item__in=shown).order_by("revision", "id"):
        last[response.attempt_item_id] = tuple(response.choices)
    return [Answered(each, each.item, last.get(each.pk)) for each in shown]


def verdict_on(attempt: Attempt, answers: Sequence[Answered]) -> ability.Verdict:
    """What the rules say about the answers so far, carrying half of earlier attempts' evidence.

    The items are those shown and those still to show: when none is left the test has ended.
    """
    version = attempt.version
    left = unseen_items(attempt.expert, version, but=attempt)
    shown = [each.item for each in answers]
    known = {item.pk: item for item in [*shown, *left]}
    test = ability.Test(
        [as_ability_item(item) for item in known.values()],
        cut=version.cut,
        minimum=version.minimum,
        maximum=version.maximum,
        pass_at=version.pass_at,
        fail_at=version.fail_at,
        seed=attempt.seed,
        carried=_carried(attempt),
    )
    given = [(each.item.pk, each.is_right) for each in answers if each.choices is not None]
    return test.verdict(given)


def as_ability_item(item: Item) -> ability.Item:
    """The question with its parameters: its band, and guessing among its options."""
    guessing = 1.0 / len(item.options) if len(item.key) == 1 else 0.0
    return ability.Item(item.pk, float(item.band), guessing=guessing)


def _carried(attempt: Attempt) -> list[ability.Carried]:
    earlier = Attempt.objects.filter(
        expert=attempt.expert_id, assessment=attempt.assessment_id, state="failed"
    ).exclude(pk=attempt.pk)
    return [
        ability.Carried(
            as_ability_item(each.item),
            each.is_right,
            (attempt.started_at - past.started_at) / timedelta(days=1),
        )
        for past in earlier.order_by("number")
        for each in answered(past)
        if each.choices is not None
    ]


def unseen_items(
    expert: Expert, version: AssessmentVersion, *, but: Attempt | None = None
) -> list[Item]:
    """Live questions of a version that this expert never met, or met only in the attempt `but`."""
    seen = AttemptItem.objects.filter(
        attempt__expert=expert, attempt__assessment=version.assessment_id
    ).exclude(attempt__state="voided")
    if but is not None:
        seen = seen.exclude(attempt=but)
    items = Item.objects.filter(pk__in=version.item_ids, state=Item.State.LIVE)
    return list(items.exclude(pk__in=seen.values("item")).order_by("id"))


def candidates(attempt: Attempt, answers: Sequence[Answered], *, at: datetime) -> list[Candidate]:
    """Questions that may come next, each with its share of the attempts of 30 days."""
    shown = {each.item.pk for each in answers}
    items = [
        item
        for item in unseen_items(attempt.expert, attempt.version, but=attempt)
        if item.pk not in shown
    ]
    share = _exposures(attempt.assessment_id, (item.pk for item in items), at)
    return [
        Candidate(item.pk, item.topic, float(item.band), share.get(item.pk, 0.0)) for item in items
    ]


def _exposures(assessment_id: UUID, item_ids: Iterable[UUID], at: datetime) -> dict[UUID, float]:
    recent = Attempt.objects.filter(
        assessment=assessment_id, started_at__gt=at - EXPOSURE_WINDOW
    ).exclude(state="voided")
    attempts = recent.count()
    if attempts < FEW_ATTEMPTS:
        return {}
    counts = (
        AttemptItem.objects.filter(attempt__in=recent, item__in=list(item_ids))
        .values("item")
        .annotate(times=Count("id"))
    )
    return {row["item"]: row["times"] / attempts for row in counts}


def topics_of(version: AssessmentVersion) -> list[Topic]:
    """The blueprint of a version."""
    return [Topic(**each) for each in version.blueprint]


def current_version(assessment: Assessment) -> AssessmentVersion | None:
    """The newest published rules, or None."""
    return assessment.versions.order_by("-number").first()


def attempts_that_count(expert: Expert, assessment: Assessment) -> QuerySet[Attempt]:
    """All but those voided for a fault of the platform."""
    return Attempt.objects.filter(expert=expert, assessment=assessment).exclude(state="voided")
