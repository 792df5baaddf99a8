"""Monthly statements: opening, what moved down to its source, closing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from marketplace.kit.errors import InvalidInput
from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert
from payouts.models import Document
from payouts.services import ledger, rounds
from payouts.services.accounts import account
from payouts.services.monthly_papers import make_due_papers, make_papers
from payouts.services.stating import make_statement, make_statements
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)
AFTER = datetime(2026, 12, 1, 2, tzinfo=UTC)
LATER = datetime(2027, 1, 1, 2, tzinfo=UTC)


def stated(
    month: date = NOVEMBER,
    at: datetime = AFTER,
    *,
    expert: Expert | None = None,
    client: Organization | None = None,
) -> dict[str, Any]:
    paper = make_statement(currency="USD", expert=expert, organization=client, month=month, at=at)
    assert paper is not None
    return dict(paper.body)


def lines(body: dict[str, Any]) -> list[tuple[str, int]]:
    return [(line["words"], line["minor"]) for line in body["movements"]]


def correct(who: Expert, minor: int, *, at: datetime) -> None:
    """Money that the operator adds by hand, as of an instant."""
    ledger.post(
        key=f"correction:{uuid7()}",
        kind="correction",
        currency="USD",
        legs=[
            ledger.Leg(account("platform_bank", currency="USD"), "D", minor),
            ledger.Leg(account("expert_available", currency="USD", expert=who), "C", minor),
        ],
        effective_at=at,
    )


def test_an_experts_statement_tells_each_task_and_each_payout() -> None:
    who = make.owed(5000)
    make.send(make.approved_run())

    body = stated(expert=who)

    assert lines(body) == [("Work", 5000), ("Paid out", -5000)]
    assert (body["opening"]["minor"], body["closing"]["minor"]) == (0, 0)
    assert body["movements"][0]["source"].startswith("work:")
    assert body["movements"][1]["source"].startswith("tr_")


def test_a_clients_statement_adds_its_work_up_by_day_and_batch() -> None:
    batch = make.reservation(usd(10_000))
    who = make.expert()
    for _ in range(3):
        make.credited(batch, who, 1000, fee=150)
    make.credited(batch, who, 1000, fee=150, at=NOON + timedelta(days=1))
    rounds.post_earnings(at=NOON)

    body = stated(client=batch.organization)

    assert lines(body) == [
        ("Payment received", 10_000),
        ("3 approved units of work, pay and fee", -3450),
        ("1 approved unit of work, pay and fee", -1150),
    ]
    assert body["movements"][1]["source"] == f"batch:{batch.id}"
    assert body["closing"] == {"minor": 5400, "parts": {"reserved": 5400}}


def test_the_next_opening_is_the_last_closing() -> None:
    who = make.expert()
    correct(who, 700, at=NOON)
    correct(who, 50, at=NOON + timedelta(days=20))

    first, second = stated(expert=who), stated(DECEMBER, LATER, expert=who)

    assert (first["opening"]["minor"], first["closing"]["minor"]) == (0, 700)
    assert (second["opening"]["minor"], second["closing"]["minor"]) == (700, 750)


def test_what_is_booked_late_shows_once_in_the_month_it_was_booked() -> None:
    who = make.expert()
    correct(who, 700, at=NOON)
    stated(expert=who)

    correct(who, 25, at=NOON)

    assert stated(expert=who)["closing"]["minor"] == 700
    assert lines(stated(DECEMBER, LATER, expert=who)) == [
        ("Correction (booked after the statement of its month)", 25)
    ]


def test_what_is_booked_early_for_the_next_month_waits_for_it() -> None:
    who = make.expert()
    correct(who, 700, at=NOON)
    correct(who, 9, at=AFTER)

    assert lines(stated(expert=who)) == [("Correction", 700)]
    assert lines(stated(DECEMBER, LATER, expert=who)) == [("Correction", 9)]


def test_months_are_cut_at_midnight_utc() -> None:
    who = make.expert()
    correct(who, 1, at=datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC))
    correct(who, 20, at=datetime(2026, 11, 1, tzinfo=UTC))
    correct(who, 300, at=datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC))
    correct(who, 4000, at=datetime(2026, 12, 1, tzinfo=UTC))

    body = stated(expert=who)

    assert (body["opening"]["minor"], body["closing"]["minor"]) == (1, 321)


def test_moves_between_ones_own_pots_are_no_movement() -> None:
    client, _project = make.funded_project(usd(500))

    assert lines(stated(client=client)) == [("Payment received", 500)]


def test_a_month_without_movement_and_balance_makes_none() -> None:
    who = make.owed(5000)
    make.send(make.approved_run())
    stated(expert=who)

    assert make_statement(currency="USD", expert=who, month=DECEMBER, at=LATER) is None
    assert make_statement(currency="EUR", expert=who, month=NOVEMBER, at=AFTER) is None


def test_a_balance_without_movement_makes_one() -> None:
    who = make.expert()
    correct(who, 700, at=NOON)
    stated(expert=who)

    body = stated(DECEMBER, LATER, expert=who)

    assert (body["opening"]["minor"], body["movements"]) == (700, [])


def test_approved_work_that_is_not_booked_yet_holds_the_statement_back() -> None:
    batch, who = make.reservation(usd(100)), make.expert()
    correct(who, 700, at=NOON)
    make.credited(batch, who, 100)

    for owner in ({"expert": who}, {"organization": batch.organization}):
        assert make_statement(currency="USD", **owner, month=NOVEMBER, at=AFTER) is None
    rounds.post_earnings(at=AFTER)

    assert stated(expert=who)["closing"]["minor"] == 800


def test_a_month_that_is_not_over_is_refused() -> None:
    with pytest.raises(InvalidInput, match="when its month is over"):
        make_statements(month=NOVEMBER, at=AFTER - timedelta(hours=3))


def test_an_earlier_month_is_not_stated_after_a_later_one() -> None:
    who = make.expert()
    correct(who, 700, at=NOON)
    stated(DECEMBER, LATER, expert=who)

    assert make_statement(currency="USD", expert=who, month=NOVEMBER, at=LATER) is None


def test_the_daily_job_makes_everybodys_statement_once() -> None:
    make.owed(5000)

    made = [make_due_papers(at=AFTER).statements for _ in range(2)]

    assert made == [2, 0]
    statements = Document.objects.filter(kind="statement")
    assert sorted(statements.values_list("number", flat=True)) == [
        "STM-2026-000001",
        "STM-2026-000002",
    ]


def test_a_statement_that_does_not_add_up_is_loud_and_stops_no_other() -> None:
    first, second = make.expert(), make.expert()
    for who in (first, second):
        correct(who, 700, at=NOON)
    stated(expert=first)
    connection.check_constraints()
    with connection.cursor() as cursor:  # past the trigger, as a superuser could
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE payouts_document SET body = jsonb_set(body, '{closing,minor}', '7')")
        cursor.execute("SET session_replication_role = origin")

    with pytest.raises(ExceptionGroup, match="do not add up"):
        make_papers(month=DECEMBER, at=LATER)

    made = Document.objects.filter(period_from=DECEMBER)
    assert [paper.expert for paper in made] == [second]
