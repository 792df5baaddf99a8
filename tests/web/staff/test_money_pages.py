"""Runs, payouts, books and the sandbox as finance sees them."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from pytest_django.fixtures import Settings

from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit.tables import csv_lines
from marketplace.people.models import User
from payouts.models import Payee, Payout, PayoutRun, Posting, Proposal, SandboxClock, SandboxFault
from payouts.services import collecting, running_payouts
from payouts.services.holding import cancel_payout, hold_payout
from tests import make
from tests.make import NOON
from tests.payouts import make as money
from tests.web.staff import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def fay() -> User:
    return cast.staff("finance", name="Fay Finance")


@pytest.fixture
def kim() -> User:
    return cast.staff("finance", name="Kim Checker")


def _act(run: PayoutRun, act: str) -> str:
    return reverse("staff:act_on_run", args=[run.pk, act])


def _act_on(payout: Payout, act: str) -> str:
    return reverse("staff:act_on_payout", args=[payout.pk, act])


# Runs -------------------------------------------------------------------------------------------
def test_run_goes_from_open_to_done_by_two_people(fay: User, kim: User) -> None:
    money.owed(5000)
    maker, checker = cast.enter(fay), cast.enter(kim)
    maker.post(reverse("staff:open_run"), {"currency": "USD"})
    run_due_jobs()
    run = PayoutRun.objects.get()

    maker.post(_act(run, "close"))
    refused = maker.post(_act(run, "approve"), follow=True)
    checker.post(_act(run, "approve"))
    run_due_jobs()

    assert "Somebody else has to approve the run you opened." in cast.text(refused)
    run.refresh_from_db()
    assert (run.state, run.approved_by) == ("done", kim)
    assert money.transfers() == [5000]


def test_maker_is_not_offered_to_approve(fay: User, kim: User) -> None:
    run = cast.closed_run(fay)
    url = reverse("staff:run", args=[run.pk])

    assert 'data-open="approve"' not in cast.text(cast.enter(fay).get(url))
    assert 'data-open="approve"' in cast.text(cast.enter(kim).get(url))


def test_approval_names_only_what_would_be_sent(fay: User, kim: User) -> None:
    for pay in (5000, 7000):
        money.owed(pay)
    run = running_payouts.open_run(currency="USD", by=fay, at=NOON)
    collecting.collect_run(run_id=run.pk, at=NOON)
    run = running_payouts.close_run(run=run, by=fay, at=NOON)
    kept = Payout.objects.get(amount_minor=7000)
    hold_payout(payout=kept, why="A question.", by=fay.pk, at=NOON)
    client, url = cast.enter(kim), reverse("staff:run", args=[run.pk])

    held = cast.text(client.get(url))
    cancel_payout(payout=kept, why="Paid by wire.", by=fay.pk, at=NOON)
    cancelled = cast.text(client.get(url))

    assert "Approve 50.00 USD to 1 expert<" in held
    assert "120.00 USD to 2 experts" in held
    assert "50.00 USD to 1 expert<" in cancelled
    assert "120.00 USD" not in cancelled


def test_second_run_of_a_currency_is_refused_kindly(fay: User) -> None:
    client = cast.enter(fay)
    client.post(reverse("staff:open_run"), {"currency": "USD"})

    answer = client.post(reverse("staff:open_run"), {"currency": "USD"}, follow=True)

    assert "A run in USD is already open." in cast.text(answer)
    assert PayoutRun.objects.count() == 1


def test_run_in_a_currency_that_is_not_paid_is_refused(fay: User) -> None:
    answer = cast.enter(fay).post(reverse("staff:open_run"), {"currency": "XXX"})

    assert answer.status_code == 422
    assert not PayoutRun.objects.exists()


def test_cancelled_run_gives_the_money_back(fay: User) -> None:
    run = cast.closed_run(fay)

    cast.enter(fay).post(_act(run, "cancel"))
    run_due_jobs()

    assert cast.payout_of(run).state == "cancelled"


def test_running_run_is_paused_with_a_reason_and_resumed(fay: User, kim: User) -> None:
    run = running_payouts.approve_run(run=cast.closed_run(fay), by=kim, at=NOON)
    run = running_payouts.start_run(run_id=run.pk, at=NOON)
    client = cast.enter(fay)

    refused = client.post(_act(run, "pause"), {"reason": " "}, follow=True)
    client.post(_act(run, "pause"), {"reason": "Stripe is slow."})
    page = cast.text(client.get(reverse("staff:run", args=[run.pk])))
    client.post(_act(run, "resume"))

    assert "Write why the run is paused." in cast.text(refused)
    assert "Stripe is slow." in page
    run.refresh_from_db()
    assert (run.state, run.pause_reason) == ("running", "")


def test_progress_asks_again_while_it_moves_and_reloads_when_the_state_changed(
    fay: User, kim: User
) -> None:
    run = running_payouts.approve_run(run=cast.closed_run(fay), by=kim, at=NOON)
    client, url = cast.enter(fay), reverse("staff:run_progress", args=[run.pk])

    same = client.get(url, {"seen": "approved-collected"})
    other = client.get(url, {"seen": "closed-collected"})

    assert 'hx-trigger="load delay:1s"' in cast.text(same)
    assert other.headers["HX-Refresh"] == "true"


def test_ended_run_asks_no_more(fay: User, kim: User) -> None:
    run = running_payouts.approve_run(run=cast.closed_run(fay), by=kim, at=NOON)
    run_due_jobs()

    page = cast.text(cast.enter(fay).get(reverse("staff:run", args=[run.pk])))

    assert "hx-get" not in page
    assert "1 of 1 settled" in page


def test_a_run_keeps_its_total_when_a_payout_is_cancelled_after_approval(
    fay: User, kim: User
) -> None:
    money.owed(7000)
    run = running_payouts.approve_run(run=cast.closed_run(fay), by=kim, at=NOON)
    kept = Payout.objects.get(amount_minor=7000)
    hold_payout(payout=kept, why="A question.", by=fay.pk, at=NOON)
    client, url = cast.enter(fay), reverse("staff:run", args=[run.pk])

    held = client.get(url)
    cancel_payout(payout=kept, why="Paid by wire.", by=fay.pk, at=NOON + timedelta(hours=1))
    cancelled = client.get(url)
    (row,) = client.get(reverse("staff:runs")).context["rows"]

    assert (str(held.context["amount"]), held.context["settled"]) == ("120.00 USD", 0)
    assert (str(cancelled.context["amount"]), cancelled.context["count"]) == ("120.00 USD", 2)
    assert (str(row["amount"]), row["n"]) == ("120.00 USD", 2)
    assert "0 of 1 settled" in cast.text(cancelled)


def test_a_closed_account_is_not_asked_to_be_released(fay: User) -> None:
    payout = cast.payout_of(cast.closed_run(fay))
    hold_payout(payout=payout, why="A question.", by=fay.pk, at=NOON)
    client, url = cast.enter(fay), reverse("staff:payout", args=[payout.pk])

    before = cast.text(client.get(url))
    Payee.objects.filter(pk=payout.payee_id).update(state="closed")
    after = cast.text(client.get(url))

    assert ("Ask for release" in before, "Ask for release" in after) == (True, False)
    assert "It cannot be released. Cancel it" in after


def test_csv_holds_every_payout_and_no_formula(fay: User) -> None:
    run = cast.closed_run(fay)
    payout = hold_payout(payout=cast.payout_of(run), why="=cmd|' /C calc'!A0", by=fay.pk, at=NOON)

    answer: Any = cast.enter(fay).get(  # Any: a stream
        reverse("staff:run_csv", args=[run.pk])
    )

    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [(row["payout"], row["amount_minor"]) for row in rows] == [(str(payout.pk), "5000")]
    assert rows[0]["why"] == "'=cmd|' /C calc'!A0"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_cell_that_begins_like_a_formula_is_text(start: str) -> None:
    lines = csv_lines(["why"], [[f"{start}1+1", -5]])

    assert list(csv.reader(io.StringIO("".join(lines), newline="")))[1] == [f"'{start}1+1", "-5"]


# Payouts ----------------------------------------------------------------------------------------
def test_payout_is_held_released_and_sent(fay: User, kim: User) -> None:
    run = cast.closed_run(fay)
    payout, client = cast.payout_of(run), cast.enter(fay)

    refused = client.post(_act_on(payout, "hold"), {"why": ""}, follow=True)
    client.post(_act_on(payout, "hold"), {"why": "A question to the expert."})
    held = Payout.objects.get()
    client.post(_act_on(payout, "release"), {"why": "The expert answered."})
    asked = Proposal.objects.get()
    cast.enter(kim).post(reverse("staff:decide_proposal", args=[asked.pk, "approve"]))
    running_payouts.approve_run(run=run, by=kim, at=NOON)
    run_due_jobs()

    assert "Write why." in cast.text(refused)
    assert (held.state, held.why) == ("held", "A question to the expert.")
    assert money.transfers() == [5000]


def test_cancelled_payout_goes_back_and_says_why(fay: User) -> None:
    payout = cast.payout_of(cast.closed_run(fay))

    cast.enter(fay).post(_act_on(payout, "cancel"), {"why": "Paid by wire."})

    payout.refresh_from_db()
    assert (payout.state, payout.why) == ("cancelled", "Paid by wire.")


def test_nobody_acts_on_their_own_payout() -> None:
    payout = cast.payout_of(cast.closed_run(make.user()))
    own = cast.staff("finance")
    payout.expert.user = own
    payout.expert.save(update_fields=["user"])

    answer = cast.enter(own).post(_act_on(payout, "hold"), {"why": "Mine."}, follow=True)

    assert "Somebody else has to decide about your own money." in cast.text(answer)
    assert Payout.objects.get().state == "reserved"


def test_payout_is_explained_down_to_its_work(fay: User) -> None:
    payout = cast.payout_of(cast.closed_run(fay))
    earning = payout.items.get().earning

    page = cast.text(cast.enter(fay).get(reverse("staff:payout", args=[payout.pk])))

    assert earning.key in page
    assert reverse("staff:posting", args=[earning.posting_id]) in page


# Books ------------------------------------------------------------------------------------------
def test_trial_balance_leads_to_accounts_entries_and_the_source(fay: User) -> None:
    payout = cast.payout_of(cast.closed_run(fay))
    client = cast.enter(fay)
    reserved = Posting.objects.get(kind="payout_reserved")
    moving = reserved.entries.get(side="C").account

    books = cast.text(client.get(reverse("staff:ledger")))
    listed = cast.text(client.get(reverse("staff:accounts") + "?kind=payout_in_transit"))
    entries = cast.text(client.get(reverse("staff:account", args=[moving.pk])))
    source = cast.text(client.get(reverse("staff:posting", args=[reserved.pk])))

    assert "balanced" in books
    assert "kind=payout_in_transit&amp;currency=USD" in books
    assert reverse("staff:account", args=[moving.pk]) in listed
    assert reverse("staff:posting", args=[reserved.pk]) in entries
    assert reverse("staff:payout", args=[payout.pk]) in source
    assert reserved.key in source


def test_transfer_leads_to_its_payout(fay: User, kim: User) -> None:
    run = running_payouts.approve_run(run=cast.closed_run(fay), by=kim, at=NOON)
    run_due_jobs()
    made = Posting.objects.get(kind="transfer_made")

    page = cast.text(cast.enter(fay).get(reverse("staff:posting", args=[made.pk])))

    assert reverse("staff:payout", args=[cast.payout_of(run).pk]) in page


# Sandbox ----------------------------------------------------------------------------------------
def test_fault_is_armed(fay: User) -> None:
    sent = {"kind": "time_out_after", "path": "/v1/transfers", "times": "2"}

    cast.enter(fay).post(reverse("staff:arm_fault"), sent)

    fault = SandboxFault.objects.get()
    assert (fault.kind, fault.path, fault.remaining) == ("time_out_after", "/v1/transfers", 2)
    assert fault.armed_by == fay.pk


def test_fault_that_does_not_exist_is_sent_back(fay: User) -> None:
    sent = {"kind": "earthquake", "path": "/v1/transfers", "times": "1"}

    answer = cast.enter(fay).post(reverse("staff:arm_fault"), sent)

    assert answer.status_code == 422
    assert not SandboxFault.objects.exists()


def test_sandbox_runs_ahead(fay: User) -> None:
    cast.enter(fay).post(reverse("staff:move_clock"), {"ahead_days": "31", "settle_days": "2"})

    row = SandboxClock.objects.get()
    assert (row.ahead_seconds, row.settle_seconds) == (31 * 86_400, 2 * 86_400)


def test_account_is_restricted_and_restored(fay: User) -> None:
    payee = Payee.objects.get(expert=money.onboarded())
    client = cast.enter(fay)

    client.post(reverse("staff:act_on_sandbox_account", args=[payee.pk, "restrict"]))
    run_due_jobs()
    payee.refresh_from_db()
    restricted = payee.state
    client.post(reverse("staff:act_on_sandbox_account", args=[payee.pk, "restore"]))
    run_due_jobs()

    payee.refresh_from_db()
    assert (restricted, payee.state) == ("restricted", "active")


def test_there_is_no_sandbox_where_money_is_real(fay: User, settings: Settings) -> None:
    settings.PAYMENTS_MODE = "stripe"
    client = cast.enter(fay)

    assert client.get(reverse("staff:sandbox")).status_code == 404
    assert client.post(reverse("staff:arm_fault")).status_code == 404
