from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from marketplace.events.models import Event
from marketplace.events.services.recording import record
from marketplace.kit.ids import uuid7
from tests.jobs.kinds import committing

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_an_event_keeps_who_what_and_when() -> None:
    task, ada, lab = uuid7(), uuid7(), uuid7()

    record(
        "assignment.approved",
        at=NOON,
        object_kind="assignment",
        object_id=task,
        actor=ada,
        organization=lab,
        data={"pay_minor": 1250, "due_at": NOON, "assignment": task},
    )

    event = Event.objects.get()
    assert (event.kind, event.object_id, event.actor) == ("assignment.approved", task, ada)
    assert (event.organization, event.expert, event.occurred_at) == (lab, None, NOON)
    assert event.data == {
        "pay_minor": 1250,
        "due_at": "2026-11-20T12:00:00Z",
        "assignment": str(task),
    }
    assert event.xid > 0


@pytest.mark.django_db
def test_an_event_is_named_by_kind_and_key() -> None:
    event = record("payout.paid", at=NOON, object_kind="payout", object_id=uuid7())

    assert str(event) == f"payout.paid {event.pk}"


@committing
def test_an_event_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="inside the transaction"):
        record("payout.paid", at=NOON, object_kind="payout", object_id=uuid7())

    assert Event.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["paid", "Payout.Paid", "payout.was paid", "payout."])
def test_a_kind_that_is_not_noun_dot_verb_is_refused(kind: str) -> None:
    with pytest.raises(IntegrityError, match="event_kind_is_noun_dot_verb_past"):
        record(kind, at=NOON, object_kind="payout", object_id=uuid7())


@pytest.mark.django_db
def test_an_event_can_be_neither_changed_nor_deleted() -> None:
    event = record("payout.paid", at=NOON, object_kind="payout", object_id=uuid7())

    with pytest.raises(IntegrityError, match="events are append-only"), transaction.atomic():
        Event.objects.update(kind="payout.voided")
    with pytest.raises(IntegrityError, match="events are append-only"), transaction.atomic():
        event.delete()

    assert Event.objects.get().kind == "payout.paid"
