"""Bodies of requests, refused where they hold anything unknown, and of answers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from marketplace.kit.drf.serializers import StorableJSONField, StrictSerializer
from marketplace.kit.money import LARGEST_MINOR
from tasks.models.assignments import ASSISTANCE, TRANSITIONS
from tasks.models.batches import BATCH_TRANSITIONS, TASK_TRANSITIONS
from tasks.services.claiming import RETURN_REASONS

LARGEST_BULK = 1000
_SMALL = 2**31 - 1


def _whole(low: int, high: int, **options: Any) -> serializers.IntegerField:  # Any: DRF's own
    return serializers.IntegerField(min_value=low, max_value=high, **options)


class Money(StrictSerializer):
    """Whole minor units of a currency: 1250 and USD are 12.50 dollars."""

    minor = _whole(1, LARGEST_MINOR // 10**9)
    currency = serializers.RegexField(r"^[A-Z]{3}$")


class NewBatch(StrictSerializer):
    """A batch to make. `price` is what an expert gets per answer; the fee comes on top."""

    project = serializers.UUIDField()
    name = serializers.CharField(max_length=150)
    price = Money()
    answers_per_task = _whole(1, 25, required=False)
    pool_percent = _whole(0, 100, default=40)


class NewTask(StrictSerializer):
    """A task to add: the prompt of the project's format, your own key, the truth if known."""

    payload = StorableJSONField()
    key = serializers.CharField(max_length=200, required=False, default="")
    priority = _whole(0, 9, required=False, default=0)
    gold = StorableJSONField(required=False, default=None, allow_null=True)


class NewTasks(StrictSerializer):
    """Up to 1,000 tasks: all of them are added, or none."""

    tasks = serializers.ListField(child=NewTask(), min_length=1, max_length=LARGEST_BULK)


class Ending(StrictSerializer):
    """Why a batch is closed."""

    reason = serializers.ChoiceField(["completed", "expired", "budget", "superseded"])


class Nothing(StrictSerializer):
    """No fields."""


class NextWork(StrictSerializer):
    """Where to claim; without a project, wherever there is work."""

    project = serializers.UUIDField(required=False, allow_null=True, default=None)


class Acceptance(StrictSerializer):
    """The hash of the terms that were shown."""

    terms_hash = serializers.RegexField(r"^[0-9a-f]{64}$")


class DraftBody(StrictSerializer):
    """What is typed so far, and the revision it builds on (0 at first)."""

    answer = serializers.DictField(child=StorableJSONField(allow_null=True))
    based_on = _whole(0, _SMALL)


class AnswerBody(StrictSerializer):
    """The answer in the shape of the format, with what its expert says about it."""

    answer = StorableJSONField()
    revision = _whole(1, 100, default=1)
    active_seconds = _whole(0, 86_400 * 30, default=0)
    assistance = serializers.ChoiceField(ASSISTANCE, default="none")
    assistance_note = serializers.CharField(
        max_length=500, required=False, allow_blank=True, default=""
    )
    confidence = _whole(1, 5, required=False, allow_null=True, default=None)
    unclear = serializers.BooleanField(default=False)


class Beat(StrictSerializer):
    """Seconds of work since the last beat."""

    active_seconds = _whole(0, 3600)


class ReturnBody(StrictSerializer):
    """Why the task goes back; never counted against anybody."""

    reason = serializers.ChoiceField([r for r in RETURN_REASONS if r], required=False, default="")


class ProjectView(serializers.Serializer[Any]):  # Any: rows come as ready values
    """A project of the key's organisation."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    format = serializers.CharField()
    currency = serializers.CharField()
    state = serializers.CharField()
    answers_per_task = serializers.IntegerField()


class TermsView(serializers.Serializer[Any]):  # Any: as above
    """The current terms and guidelines of a project."""

    project = serializers.UUIDField()
    version = serializers.IntegerField()
    terms_hash = serializers.CharField()
    body = serializers.CharField()
    purposes = serializers.ListField(child=serializers.CharField())
    licence = serializers.CharField()
    guidelines = serializers.CharField()
    missing_skills = serializers.ListField(child=serializers.CharField())


class EngagementView(serializers.Serializer[Any]):  # Any: as above
    """The expert's yes; `can_claim` says whether work is open to them now."""

    id = serializers.UUIDField()
    project = serializers.UUIDField()
    terms_version = serializers.IntegerField()
    can_claim = serializers.BooleanField()


class ProgressView(serializers.Serializer[Any]):  # Any: as above
    """Counts of a batch."""

    tasks = serializers.IntegerField()
    tasks_ended = serializers.IntegerField()
    answers_wanted = serializers.IntegerField()
    active = serializers.IntegerField()
    in_review = serializers.IntegerField()
    changes_requested = serializers.IntegerField()
    approved = serializers.IntegerField()
    rejected = serializers.IntegerField()


class BatchView(serializers.Serializer[Any]):  # Any: as above
    """A batch and how far it is."""

    id = serializers.UUIDField()
    project = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.ChoiceField(list(BATCH_TRANSITIONS))
    close_reason = serializers.CharField(allow_blank=True)
    price = Money()
    fee_minor = serializers.IntegerField()
    answers_per_task = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    opened_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    progress = ProgressView()


class TaskView(serializers.Serializer[Any]):  # Any: as above
    """A task of a batch."""

    id = serializers.UUIDField()
    key = serializers.CharField()
    state = serializers.ChoiceField(list(TASK_TRANSITIONS))


class TasksView(serializers.Serializer[Any]):  # Any: as above
    """The tasks that were added, in the order they came."""

    tasks = TaskView(many=True)


class ResultView(serializers.Serializer[Any]):  # Any: as above
    """One approved answer, by pseudonym."""

    assignment = serializers.UUIDField()
    task = serializers.UUIDField()
    key = serializers.CharField()
    expert = serializers.CharField()
    state = serializers.ChoiceField(["approved", "partially_approved"])
    answer = serializers.JSONField()
    content_sha256 = serializers.CharField()
    confidence = serializers.IntegerField(allow_null=True)
    unclear = serializers.BooleanField()
    submitted_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField()


class ResultPage(serializers.Serializer[Any]):  # Any: as above
    """Results in the order of their verdicts. `cursor` always leads on, also to later results."""

    results = ResultView(many=True)
    cursor = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()


class AssignmentView(serializers.Serializer[Any]):  # Any: as above
    """A held task as its expert sees it. `seconds_left` is null where no lease runs."""

    id = serializers.UUIDField()
    task = serializers.UUIDField()
    project = serializers.UUIDField()
    format = serializers.CharField()
    state = serializers.ChoiceField(list(TRANSITIONS))
    payload = serializers.JSONField()
    answer = serializers.JSONField()
    draft_revision = serializers.IntegerField()
    next_revision = serializers.IntegerField()
    seconds_left = serializers.IntegerField(allow_null=True)
    extensions_left = serializers.IntegerField()
    price = Money()
    notes = serializers.ListField(child=serializers.CharField())


class LeaseView(serializers.Serializer[Any]):  # Any: as above
    """The lease after a beat or an extension."""

    state = serializers.ChoiceField(list(TRANSITIONS))
    seconds_left = serializers.IntegerField(allow_null=True)
    extensions_left = serializers.IntegerField()
    active_seconds = serializers.IntegerField()


class DraftView(serializers.Serializer[Any]):  # Any: as above
    """The draft as kept; `left_out` names fields that break a limit."""

    revision = serializers.IntegerField()
    saved_at = serializers.DateTimeField()
    left_out = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))


class SubmissionView(serializers.Serializer[Any]):  # Any: as above
    """What was sent."""

    id = serializers.UUIDField()
    assignment = serializers.UUIDField()
    revision = serializers.IntegerField()
    content_sha256 = serializers.CharField()
    submitted_at = serializers.DateTimeField()
    review_until = serializers.DateTimeField(allow_null=True)
