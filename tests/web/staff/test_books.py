"""The overview, the reconciliation and the ledger's explorer, for finance and auditors."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from marketplace.events.models import Event
from marketplace.people.models import User
from payouts.gateways.sandbox import moving, store
from payouts.models import Account, Break, Posting, Proposal, StripeEvent
from payouts.selectors.overview import Pulse, alarms, gauges, pulse, standings
from payouts.services import auditing, ledger, reconciling
from payouts.services.accounts import account as account_of
from payouts.services.breaking import open_break
from tests.browser import books
from tests.make import NOON
from tests.payouts import make as money
from tests.web.staff import cast

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def fay() -> User:
    return cast.staff("finance", name="Fay Finance")


@pytest.fixture
def kim() -> User:
    return cast.staff("finance", name="Kim Checker")


@pytest.fixture
def grace() -> User:
    return cast.staff("auditor", name="Grace Auditor")


def _differs() -> Break:
    store.add_line("topup", -700, "usd", "", category="risk_reserved_funds")
    reconciling.reconcile(at=NOON + HOUR)
    return Break.objects.get()


# Overview ---------------------------------------------------------------------------------------
def test_overview_of_sound_books_says_that_nothing_waits(grace: User) -> None:
    money.stocked(money.usd(100_000))
    moving.top_up(2930, "usd")
    _cash(2930)
    reconciling.reconcile(at=NOON)
    auditing.audit_ledger(at=NOON)

    page = cast.text(cast.enter(grace).get(reverse("staff:money")))

    assert "Nothing waits for a person" in page
    assert "1,000.00 USD" in page


def test_overview_says_in_words_what_is_wrong_and_where_to_read_on(grace: User) -> None:
    _differs()

    page = cast.text(cast.enter(grace).get(reverse("staff:money")))

    assert "1 open difference" in page
    assert "An open difference" in page


def test_parked_message_is_tried_again_by_finance_only(fay: User, grace: User) -> None:
    money.owed(5000)
    money.send(money.approved_run())
    books.furnish(by=fay)
    url = reverse("staff:money")

    reader, actor = cast.text(cast.enter(grace).get(url)), cast.text(cast.enter(fay).get(url))
    event = Event.objects.filter(kind="stripe_event.retried")
    parked = reverse("staff:retry_message", args=[_parked()])
    cast.enter(grace).post(parked)
    before = event.count()
    cast.enter(fay).post(parked)

    assert ("Try again" in reader, "Try again" in actor) == (False, True)
    assert (before, event.count()) == (0, 1)


def _parked() -> object:
    return StripeEvent.objects.get(state="parked").pk


def test_own_funds_are_what_is_left_once_everybody_is_paid() -> None:
    money.stocked(money.usd(100_000))
    moving.top_up(50_000, "usd")
    reconciling.reconcile(at=NOON)

    found = standings()[0]

    assert (found.clearing.minor, found.bank.minor) == (147_070, -50_000)
    assert (found.owed.minor, found.own.minor) == (100_000, 47_070)
    assert found.provider == money.usd(147_070)


def test_gauges_count_what_waits() -> None:
    money.credited(money.reservation(money.usd(500)), money.expert(), 500)

    found = pulse(at=NOON + timedelta(seconds=61))

    assert gauges(found, at=NOON) == {
        "earnings_unposted": 1,
        "earnings_unposted_oldest_seconds": 61,
        "breaks_open": 0,
        "parked_events": 0,
        "attempts_unknown": 0,
        "attempts_frozen": 0,
        "last_reconciliation_age_seconds": -1,
        "last_check_age_seconds": -1,
        "ledger_sound": 1,
        "payments_paused": 0,
    }
    titles = [each.title for each in alarms(found, [], at=NOON)]
    assert titles == ["1 earning not in the ledger yet"]


def test_metrics_are_for_whoever_has_the_token(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = reverse("metrics")

    monkeypatch.setattr(settings, "METRICS_TOKEN", "")
    off = client.get(url, headers={"Authorization": "Bearer "})
    monkeypatch.setattr(settings, "METRICS_TOKEN", "a-long-secret")
    wrong = client.get(url, headers={"Authorization": "Bearer another"})
    right = client.get(url, headers={"Authorization": "Bearer a-long-secret"})

    assert (off.status_code, wrong.status_code, right.status_code) == (404, 404, 200)
    assert "\nguildhall_breaks_open 0\n" in cast.text(right)


def test_late_reconciliation_and_check_are_alarms() -> None:
    reconciling.reconcile(at=NOON)
    auditing.audit_ledger(at=NOON)
    later = NOON + timedelta(hours=26, seconds=1)

    early = list(alarms(pulse(at=NOON + 2 * HOUR), [], at=NOON + 2 * HOUR))
    late = [each.section for each in alarms(pulse(at=later), [], at=later)]

    assert early == []
    assert late == ["Reconciliation is late", "The nightly check is late"]


def _cash(minor: int) -> None:
    """What the operator put into its bank, before it tops Stripe up."""
    bank = account_of("platform_bank", currency="USD")
    capital = account_of("operator_capital", currency="USD")
    ledger.post(
        key="cash",
        kind="capital_deposited",
        currency="USD",
        legs=[
            ledger.Leg.debit(bank, money.usd(minor)),
            ledger.Leg.credit(capital, money.usd(minor)),
        ],
        effective_at=NOON,
    )


def test_every_alarm_has_its_section_in_the_runbook() -> None:
    worst = Pulse(
        unposted=2,
        oldest_unposted_s=61,
        breaks_open=2,
        parked_events=2,
        attempts_unknown=2,
        attempts_frozen=2,
        bank_silent=2,
        reconciled_at=NOON - timedelta(days=3),
        checked_at=NOON - timedelta(days=3),
        is_sound=False,
        closed_until=(NOON - timedelta(days=3)).date(),
        paused="",
    )
    money.pay_in(money.organization(), money.usd(100))
    short = [replace(each, own=money.usd(-1)) for each in standings()]

    sections = [each.section for each in alarms(worst, short, at=NOON)]

    runbook = (settings.BASE_DIR / "docs/operate/runbook.md").read_text()
    assert len(sections) == 10
    assert [each for each in sections if f"### {each}\n" not in runbook] == []


# Reconciliation ---------------------------------------------------------------------------------
def test_two_people_explain_a_difference_with_a_correction(fay: User, kim: User) -> None:
    row = _differs()
    url = reverse("staff:difference", args=[row.pk])
    moving.top_up(1, "usd")
    reconciling.reconcile(at=NOON + HOUR)

    maker = cast.enter(fay)
    maker.post(reverse("staff:take_difference", args=[row.pk]))
    answer = maker.post(
        reverse("staff:resolve_difference", args=[row.pk]),
        {
            "note": "Stripe keeps a reserve of us.",
            "debit": "platform_bank",
            "credit": "psp_clearing",
            "amount": "7.00",
        },
    )
    proposal = Proposal.objects.get()
    mine = cast.text(maker.get(url))
    cast.enter(kim).post(reverse("staff:decide_proposal", args=[proposal.pk, "approve"]))

    assert answer.status_code == 302
    assert "Fay Finance explains it" in mine
    row.refresh_from_db()
    assert (row.state, row.owner, row.approved_by) == ("resolved", fay, kim)
    assert money.balance(money.clearing()) == 1 - 700
    assert "Correction" in cast.text(cast.enter(kim).get(url))


def test_correction_needs_both_accounts_and_an_amount(fay: User) -> None:
    row = _differs()
    url = reverse("staff:resolve_difference", args=[row.pk])
    client = cast.enter(fay)

    half = client.post(url, {"note": "A reserve of ours.", "debit": "", "amount": "7.00"})
    nobody = client.post(url, {"note": "A reserve of ours.", "debit": "cash", "amount": "7.00"})

    assert (half.status_code, nobody.status_code) == (422, 422)
    assert "A correction needs both accounts and an amount." in cast.text(half)
    assert "Neither an account" in cast.text(nobody)
    assert Proposal.objects.count() == 0


def test_auditor_reads_differences_and_acts_on_none(grace: User) -> None:
    row = _differs()
    client = cast.enter(grace)

    page = cast.text(client.get(reverse("staff:difference", args=[row.pk])))
    taken = client.post(reverse("staff:take_difference", args=[row.pk]))

    assert "A kind of movement that nobody can book" in page
    assert "I answer for it" not in page
    assert taken.status_code == 403


def test_movements_are_filtered_and_lead_to_their_posting(grace: User) -> None:
    money.stocked(money.usd(100_000))
    _differs()
    client, url = cast.enter(grace), reverse("staff:movements")

    everything = cast.text(client.get(url))
    without = cast.text(client.get(f"{url}?show=unmatched"))
    charges = cast.text(client.get(f"{url}?category=charge"))

    posting = Posting.objects.get(kind="funding_paid")
    assert reverse("staff:posting", args=[posting.pk]) in everything
    assert ("risk_reserved_funds</td>" in without, "funding_paid" in without) == (True, False)
    assert ("funding_paid" in charges, "none yet" in charges) == (True, False)


def test_movements_go_on_where_the_page_ended(grace: User) -> None:
    for minor in range(1, 28):
        store.add_line("topup", minor, "usd", f"tu_{minor:02}")
    reconciling.reconcile(at=NOON)
    client, url = cast.enter(grace), reverse("staff:movements")

    first = client.get(url)
    second = cast.text(client.get(url + first.context["next_url"]))

    assert len(first.context["rows"]) == 25
    assert second.count("treasury_moved</a>") == 2


# The explorer -----------------------------------------------------------------------------------
def _three_moves() -> Account:
    account = money.clearing()
    for hours, minor in ((-2, 100), (-1, 200), (0, 400)):
        _move(NOON + hours * HOUR, minor)
    account.refresh_from_db()
    return account


def _move(at: datetime, minor: int) -> None:
    bank = account_of("platform_bank", currency="USD")
    ledger.post(
        key=f"move:{minor}",
        kind="treasury_moved",
        currency="USD",
        legs=[
            ledger.Leg.debit(money.clearing(), money.usd(minor)),
            ledger.Leg.credit(bank, money.usd(minor)),
        ],
        effective_at=at,
    )


def test_account_is_shown_as_of_an_instant_and_of_a_version(grace: User) -> None:
    account = _three_moves()
    client, url = cast.enter(grace), reverse("staff:account", args=[account.pk])

    then = client.get(url, {"instant": "2026-11-20T11:30:00"})
    version = client.get(url, {"version": "1"})
    wrong = client.get(url, {"instant": "yesterday"})

    assert then.context["asked"]["balance"] == money.usd(300)
    assert len(then.context["rows"]) == 2
    assert version.context["asked"]["balance"] == money.usd(100)
    assert "7.00 USD" in cast.text(then)
    assert wrong.status_code == 422


def test_entries_are_downloaded_as_they_are_shown(grace: User) -> None:
    account = _three_moves()
    url = reverse("staff:entries_csv", args=[account.pk])

    response = cast.enter(grace).get(url, {"instant": "2026-11-20T11:30:00"})

    rows = list(csv.DictReader(io.StringIO(b"".join(response).decode())))
    assert [(row["debit_minor"], row["balance_after_minor"]) for row in rows] == [
        ("100", "100"),
        ("200", "300"),
    ]


def test_a_posting_names_whoever_caused_it(grace: User) -> None:
    fay = cast.staff("finance", name="Fay Finance")
    _cash(500)
    made = Posting.objects.get(key="cash")
    again = ledger.reverse(posting=made, key="cash:back", at=NOON, actor=fay.pk)

    page = cast.text(cast.enter(grace).get(reverse("staff:posting", args=[again.pk])))

    assert '<dd class="break">Fay Finance</dd>' in page


def test_posting_leads_to_the_row_it_was_made_for(grace: User) -> None:
    money.owed(5000)
    payout = money.send(money.approved_run())
    reconciling.reconcile(at=NOON)
    client = cast.enter(grace)

    def page(kind: str) -> str:
        posting = Posting.objects.filter(kind=kind).order_by("pk")[0]
        return cast.text(client.get(reverse("staff:posting", args=[posting.pk])))

    assert reverse("staff:payout", args=[payout.pk]) in page("transfer_made")
    assert reverse("staff:payout", args=[payout.pk]) in page("payout_reserved")
    assert "1,000.00 USD from Lab" in page("funding_paid")
    assert '<dd class="break">a job</dd>' in page("transfer_made")
    assert "970.70 USD</dd>" in page("funding_paid").replace(" net", "")
    assert "50.00 USD of Lab" in page("reservation_made")
    assert "At Stripe" in page("fee_booked")


@pytest.mark.parametrize("name", ["money", "reconciliation", "movements"])
def test_three_rows_take_as_many_queries_as_one(name: str, grace: User) -> None:
    client, url = cast.enter(grace), reverse(f"staff:{name}")

    def differ(number: int) -> None:
        store.add_line("topup", -number, "usd", "", category=f"reserve_{number}")
        reconciling.reconcile(at=NOON + HOUR)
        open_break(
            kind="missing_at_provider",
            ref=f"posting:{number}",
            currency="USD",
            expected_minor=number,
            found_minor=0,
            detail="Nothing there.",
            at=NOON,
        )

    differ(1)
    one = cast.queries(client, url)
    for number in (2, 3):
        differ(number)

    assert cast.queries(client, url) == one
