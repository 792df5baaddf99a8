"""Keep what an expert types."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from pydantic import JsonValue

from marketplace.formats import registry
from marketplace.formats.problems import InvalidPayload, Problem, fault_of
from marketplace.kit.errors import DomainError, InvalidInput
from tasks.models import Assignment, Draft
from tasks.policy import LARGEST_DRAFT_BYTES, AnyFormat
from tasks.services.claiming import lease_over, lock_active

_TOO_LONG = ("has more than", "is not a field", "must be")


class DraftConflict(DomainError):
    """Another tab saved a newer draft; `revision` and `answer` are that one."""

    code = "draft_conflict"
    status = 409


class DraftRefused(InvalidInput):
    """The draft cannot be kept at all: too large, or not an object."""

    code = "draft_refused"


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """The draft as kept, and the fields that were left out because they break a limit."""

    draft: Draft
    problems: tuple[Problem, ...]


@transaction.atomic
def save_draft(
    *, assignment: Assignment, answer: dict[str, JsonValue], based_on: int, at: datetime
) -> SavedDraft:
    """Keep the answer as typed so far, on top of revision `based_on` (0 at the beginning).

    A field over its limit is left out and named; the rest is kept. Records no event. Raises
    DraftConflict when another tab was faster, LeaseOver, DraftRefused.
    """
    kept, problems = _keepable(assignment, answer)
    assignment = _lock_typing(assignment)
    draft = Draft.objects.filter(assignment=assignment).order_by("pk").first()
    present = draft.revision if draft else 0
    if present != based_on:
        raise DraftConflict(
            "A newer draft was saved in another tab. Load it, or keep yours.",
            revision=present,
            answer=draft.answer if draft else {},
        )
    kept_draft = Draft(assignment=assignment, revision=based_on + 1, answer=kept, saved_at=at)
    if draft is None:
        kept_draft.save(force_insert=True)
    else:
        kept_draft.save(update_fields=["revision", "answer", "saved_at"])
    return SavedDraft(kept_draft, problems)


def _lock_typing(assignment: Assignment) -> Assignment:
    """An active assignment, or one that was asked for changes."""
    if assignment.state == "changes_requested":
        fresh = Assignment.objects.select_for_update(no_key=True).get(pk=assignment.pk)
        if fresh.state != "changes_requested":
            raise lease_over(assignment=fresh)
        return fresh
    return lock_active(assignment=assignment)


def _keepable(
    assignment: Assignment, answer: dict[str, JsonValue]
) -> tuple[dict[str, JsonValue], tuple[Problem, ...]]:
    if len(json.dumps(answer)) > LARGEST_DRAFT_BYTES:
        raise DraftRefused("This draft is larger than 256 KB and cannot be kept here.")
    fault = fault_of(answer)
    if fault:
        raise DraftRefused(f"This draft {fault}.")
    problems = tuple(_broken_limits(registry.get(assignment.project.format), answer))
    broken = {problem.path.split(".")[0] for problem in problems}
    return {name: value for name, value in answer.items() if name not in broken}, problems


def _broken_limits(form: AnyFormat, answer: dict[str, JsonValue]) -> list[Problem]:
    """What can never become right by typing on; what is missing or short is just not done yet."""
    try:
        form.read_answer(answer)
    except InvalidPayload as refused:
        return [p for p in refused.problems if p.message.startswith(_TOO_LONG)]
    return []
