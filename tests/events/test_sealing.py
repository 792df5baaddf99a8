from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from marketplace.events import selectors
from marketplace.events.models import Event, EventSeal, SealerBound
from marketplace.events.selectors import Head, chain_head, verify_chain
from marketplace.events.services.recording import record
from marketplace.events.services.sealing import seal_events, seal_restored
from marketplace.jobs.gateways import function_of
from marketplace.kit.ids import uuid7
from tests.jobs.kinds import committing

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TASK = UUID("01938f5e-0000-7000-8000-000000000001")

pytestmark = committing


def happened(kind: str = "task.completed") -> Event:
    with transaction.atomic():
        return record(kind, at=NOON, object_kind="task", object_id=TASK)


def in_thread(act: Callable[[], object]) -> None:
    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def sealed() -> list[tuple[int, UUID]]:
    return list(EventSeal.objects.order_by("position").values_list("position", "event_id"))


def tamper(sql: str, *values: UUID) -> None:
    """As a superuser who switches the triggers off."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, values)


def test_events_are_sealed_in_the_order_in_which_they_happened() -> None:
    first, second, third = happened(), happened(), happened()

    assert seal_events() == 3
    assert seal_events() == 0

    assert sealed() == [(1, first.pk), (2, second.pk), (3, third.pk)]


def test_later_events_continue_the_chain() -> None:
    happened()
    seal_events()
    head = chain_head()

    last = happened()
    seal_events()

    assert sealed()[1] == (2, last.pk)
    assert EventSeal.objects.get(position=1).hash == head.hash
    assert verify_chain() == selectors.ChainReport(2, chain_head().hash, [])


def test_the_first_hash_can_be_recomputed_by_hand() -> None:
    event = happened()

    seal_events()

    canonical = (
        '{"actor":null,"data":{},"expert":null,"id":"' + str(event.pk) + '",'
        '"kind":"task.completed","object_id":"01938f5e-0000-7000-8000-000000000001",'
        '"object_kind":"task","occurred_at":"2026-11-20T12:00:00.000000+00:00",'
        '"organization":null,"project":null}'
    )
    assert chain_head().hash == hashlib.sha256(bytes(32) + canonical.encode()).hexdigest()


def test_nothing_is_sealed_past_a_transaction_that_still_runs() -> None:
    before = happened()
    with transaction.atomic():
        slow = record("task.completed", at=NOON, object_kind="task", object_id=TASK)
        in_thread(happened)  # committed while the slow one still runs
        in_thread(seal_events)
    after = Event.objects.exclude(pk__in=[before.pk, slow.pk]).get()
    assert sealed() == [(1, before.pk)]

    seal_events()

    assert sealed() == [(1, before.pk), (2, slow.pk), (3, after.pk)]


def test_an_event_that_rolled_back_leaves_no_gap() -> None:
    happened()
    with transaction.atomic():
        record("task.completed", at=NOON, object_kind="task", object_id=TASK)
        transaction.set_rollback(True)
    happened()

    seal_events()

    assert [position for position, _ in sealed()] == [1, 2]


def test_a_second_sealer_returns_at_once() -> None:
    happened()
    seen: list[int] = []
    with transaction.atomic():
        assert seal_events() == 1
        in_thread(lambda: seen.append(seal_events()))

    assert seen == [0]
    assert seal_events() == 0


def test_a_long_backlog_is_sealed_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.events.services.sealing.CHUNK", 2)
    with transaction.atomic():
        for _ in range(3):
            record("task.completed", at=NOON, object_kind="task", object_id=TASK)
    happened()

    assert seal_events() == 4

    assert [position for position, _ in sealed()] == [1, 2, 3, 4]
    assert verify_chain().problems == []


def test_one_tick_leaves_the_rest_of_a_very_long_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.events.services.sealing.CHUNK", 1)
    monkeypatch.setattr("marketplace.events.services.sealing.CHUNKS_PER_TICK", 2)
    for _ in range(3):
        happened()

    assert (seal_events(), seal_events()) == (2, 1)


def test_after_a_restore_the_rest_is_sealed_and_ids_begin_anew() -> None:
    happened()
    seal_events()
    left = happened()
    tamper("UPDATE events_event SET xid = '900000000000' WHERE id = %s", left.pk)
    SealerBound.objects.update(xid=800_000_000_000)

    assert seal_restored() == 1
    fresh = happened()
    seal_events()

    assert sealed()[1:] == [(2, left.pk), (3, fresh.pk)]


def test_a_forgotten_restore_step_stops_no_event() -> None:
    SealerBound.objects.update_or_create(pk=1, defaults={"xid": 800_000_000_000})
    happened()

    assert seal_events() == 1
    happened()
    assert seal_events() == 1


def test_a_seal_can_be_neither_changed_nor_deleted() -> None:
    happened()
    seal_events()

    with pytest.raises(IntegrityError, match="seals are append-only"):
        EventSeal.objects.update(hash="0" * 64)
    with pytest.raises(IntegrityError, match="seals are append-only"):
        EventSeal.objects.all().delete()


def test_an_edited_event_is_named() -> None:
    happened()
    event = happened()
    happened()
    seal_events()

    tamper("UPDATE events_event SET data = '{\"pay_minor\": 9}' WHERE id = %s", event.pk)

    assert verify_chain().problems == [f"Event {event.pk} at 2 was changed or moved."]


def test_a_deleted_event_is_named_by_its_place() -> None:
    happened()
    event = happened()
    happened()
    seal_events()

    tamper("DELETE FROM events_event WHERE id = %s", event.pk)

    assert verify_chain().problems == ["The events at 2 to 2 are missing."]


def test_an_event_slipped_in_behind_the_sealer_is_named() -> None:
    happened()
    seal_events()
    event = happened()

    tamper("UPDATE events_event SET xid = '1' WHERE id = %s", event.pk)

    assert verify_chain().problems == [f"Event {event.pk} was never sealed."]


def test_a_chain_rewritten_as_a_whole_differs_from_a_head_kept_elsewhere() -> None:
    event = happened()
    happened()
    seal_events()
    head = chain_head()

    tamper("UPDATE events_event SET actor = %s WHERE id = %s", uuid7(), event.pk)
    tamper("DELETE FROM events_eventseal")
    SealerBound.objects.update(xid=0)
    seal_events()

    assert verify_chain().problems == []
    assert verify_chain(head=head).problems == ["The chain at 2 differs from the given head."]


def test_a_chain_that_lost_its_end_is_shorter_than_a_head_kept_elsewhere() -> None:
    happened()
    event = happened()
    seal_events()
    head = chain_head()

    tamper("DELETE FROM events_eventseal WHERE position = 2")
    tamper("DELETE FROM events_event WHERE id = %s", event.pk)

    assert verify_chain(head=head).problems == ["The chain ends at 1, before the given head 2."]
    assert verify_chain(head=Head(1, chain_head().hash)).problems == []


def test_the_age_of_the_oldest_unsealed_event_is_known() -> None:
    happened()
    seal_events()
    assert selectors.oldest_unsealed_at() is None

    event = happened()

    written_at = selectors.oldest_unsealed_at()
    assert written_at is not None
    assert abs(written_at.timestamp() * 1000 - (event.pk.int >> 80)) < 1
    assert written_at > NOON - timedelta(days=1)


def test_writers_sealers_and_rollbacks_together_leave_a_gapless_ordered_chain() -> None:
    def write() -> None:
        for number in range(25):
            with transaction.atomic():
                record("task.completed", at=NOON, object_kind="task", object_id=uuid7())
                transaction.set_rollback(number % 5 == 0)

    def seal() -> None:
        while not done.is_set():
            seal_events()

    def closing(act: Callable[[], None]) -> None:
        try:
            act()
        finally:
            connection.close()

    done = threading.Event()
    sealers = [threading.Thread(target=closing, args=[seal]) for _ in range(2)]
    writers = [threading.Thread(target=closing, args=[write]) for _ in range(6)]
    for thread in [*sealers, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in sealers:
        thread.join()
    seal_events()

    order = EventSeal.objects.order_by("position").values_list("position", "event__xid", "event")
    assert [row[0] for row in order] == list(range(1, 121))
    assert [row[1:] for row in order] == sorted(row[1:] for row in order)
    assert verify_chain().problems == []


def test_the_head_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    happened()
    seal_events()

    with caplog.at_level("INFO"):
        function_of("events.log_head")()

    (line,) = [record for record in caplog.records if record.message == "Event chain head"]
    assert (vars(line)["position"], vars(line)["hash"]) == (1, chain_head().hash)


def test_the_tick_of_the_sealer_seals() -> None:
    happened()

    function_of("events.seal")()

    assert EventSeal.objects.count() == 1
