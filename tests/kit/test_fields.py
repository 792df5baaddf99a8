from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, models, transaction

from marketplace.events.models import Event
from marketplace.events.services.recording import record
from marketplace.kit.fields import TransactionNow, append_only
from marketplace.kit.ids import uuid7

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def happened() -> Event:
    return record("task.completed", at=NOON, object_kind="task", object_id=uuid7())


@pytest.mark.django_db
def test_a_transaction_id_is_a_number_that_can_be_compared() -> None:
    first, second = happened(), happened()

    assert first.xid == second.xid
    assert Event.objects.filter(xid__gte=first.xid, xid__lt=first.xid + 1).count() == 2
    assert Event.objects.filter(xid__gt=first.xid).count() == 0


@pytest.mark.django_db
def test_a_savepoint_has_the_id_of_its_transaction() -> None:
    first = happened()

    with transaction.atomic():
        second = happened()

    assert second.xid == first.xid


@pytest.mark.django_db
def test_transaction_now_stands_still_inside_a_transaction() -> None:
    happened()
    now = models.ExpressionWrapper(TransactionNow(), models.DateTimeField())

    readings = {Event.objects.annotate(now=now).get().now for _ in range(3)}

    assert len(readings) == 1


@pytest.mark.django_db
def test_append_only_rows_cannot_be_emptied_in_a_database_of_ours() -> None:
    happened()
    (_, never_emptied) = append_only("events")
    guard = str(never_emptied.func).replace(r"test\_%", "no database")

    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {guard} END $$"
        )
        cursor.execute(
            "CREATE TRIGGER guard BEFORE TRUNCATE ON events_event EXECUTE FUNCTION refuse()"
        )
        with pytest.raises(IntegrityError, match="events are append-only"), transaction.atomic():
            cursor.execute("TRUNCATE events_event CASCADE")

    assert Event.objects.count() == 1
