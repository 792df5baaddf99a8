"""Tests and the rules they are held to."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from pydantic_core import to_json

from marketplace.events.services.recording import record
from marketplace.kit.errors import InvalidInput
from marketplace.people.models import User
from vetting.models import Assessment, AssessmentVersion, Item, Skill
from vetting.ranking import Topic

LONGEST_UNPAID_S = 900


class NotPublishable(InvalidInput):
    """The rules or the bank do not make a fair test; the message says what is missing."""

    code = "assessment_not_publishable"


@dataclass(frozen=True, slots=True)
class Rules:
    """How a test decides. Without topics every topic of the bank weighs as many items as it has.

    `cut` is an ability on the scale of difficulties, `cool_down_days` the waits before retakes.
    """

    cut: float = 0.5
    minimum: int = 8
    maximum: int = 25
    pass_at: float = 0.90
    fail_at: float = 0.05
    time_limit_s: int = LONGEST_UNPAID_S
    max_attempts: int = 1
    cool_down_days: tuple[int, ...] = (14, 60)
    topics: Sequence[Topic] = ()


@transaction.atomic
def create_assessment(
    *, skill: Skill, slug: str, name: str, by: User, at: datetime, description: str = ""
) -> Assessment:
    """Begin a test of a skill; its bank and its rules come next."""
    assessment = Assessment.objects.create(
        skill=skill, slug=slug, name=name, description=description, created_at=at
    )
    _tell("assessment.created", assessment, by, at, {"slug": slug})
    return assessment


@transaction.atomic
def publish_version(
    *, assessment: Assessment, rules: Rules, by: User, at: datetime
) -> AssessmentVersion:
    """Publish rules over the live bank as the next version; running attempts keep theirs.

    Raises NotPublishable when the bank is too small for the questions and attempts the rules
    allow, or the test would take more unpaid time than fifteen minutes.
    """
    Assessment.objects.select_for_update().get(pk=assessment.pk)
    items = list(assessment.items.filter(state=Item.State.LIVE).order_by("id"))
    topics = list(rules.topics) or _topics_of(items)
    _require_fair(rules, items, topics)
    newest = assessment.versions.order_by("-number").first()
    number = newest.number + 1 if newest else 1
    version = AssessmentVersion.objects.create(
        assessment=assessment,
        number=number,
        cut=rules.cut,
        minimum=rules.minimum,
        maximum=rules.maximum,
        pass_at=rules.pass_at,
        fail_at=rules.fail_at,
        time_limit_s=rules.time_limit_s,
        max_attempts=rules.max_attempts,
        cool_down_days=list(rules.cool_down_days),
        blueprint=[asdict(topic) for topic in topics],
        item_ids=[item.pk for item in items],
        content_hash=_content_hash(rules, topics, items),
        published_by=by,
        published_at=at,
    )
    _tell("assessment.published", assessment, by, at, {"version": number})
    return version


def _topics_of(items: Sequence[Item]) -> list[Topic]:
    count = Counter(item.topic for item in items)
    return [Topic(name, float(n), 1) for name, n in sorted(count.items())]


def _require_fair(rules: Rules, items: Sequence[Item], topics: Sequence[Topic]) -> None:
    needed = rules.maximum * rules.max_attempts
    if len(items) < needed:
        raise NotPublishable(
            f"The bank has {len(items)} live questions; {rules.maximum} questions in"
            f" {rules.max_attempts} attempts need {needed}.",
            present=len(items),
            wanted=needed,
        )
    have = Counter(item.topic for item in items)
    for topic in topics:
        if have[topic.name] < topic.minimum * rules.max_attempts:
            raise NotPublishable(f"The topic “{topic.name}” has only {have[topic.name]} questions.")
    if sum(topic.minimum for topic in topics) > rules.maximum:
        raise NotPublishable("The topics ask for more questions than the test has.")
    if rules.time_limit_s > LONGEST_UNPAID_S:
        raise NotPublishable("A test of more than fifteen minutes has to be paid.")


def _content_hash(rules: Rules, topics: Sequence[Topic], items: Sequence[Item]) -> str:
    content = asdict(rules) | {
        "topics": [asdict(topic) for topic in topics],
        "items": sorted(item.content_hash for item in items),
    }
    return hashlib.sha256(to_json(content)).hexdigest()


# Any: JSON of the event.
def _tell(kind: str, assessment: Assessment, by: User, at: datetime, data: dict[str, Any]) -> None:
    record(
        kind,
        at=at,
        object_kind="assessment",
        object_id=assessment.pk,
        actor=by.pk,
        data=data,
    )
