"""Row 19: a bank takes a client's payment back, after experts were paid."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection

from marketplace.events.models import Event
from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Organization
from payouts.models import (
    Chargeback,
    Funding,
    Payout,
    Posting,
    Reservation,
    SandboxObject,
    StripeEvent,
)
from payouts.selectors.budgets import project_budget, wallet
from payouts.selectors.freezing import frozen
from payouts.selectors.invariants import check_ledger
from payouts.services import budgeting, charging_back, refunding, reserving, rounds, sandboxing
from payouts.services.accounts import account
from payouts.services.freezing import FundsFrozen
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db


def paid(amount: int = 10_000) -> tuple[Organization, str]:
    """A client with one card payment, and the id of its charge."""
    client = make.organization()
    funding = make.paid_funding(client, usd(amount))
    return client, str(funding.charge_id)


def press(button: str, object_id: str) -> str:
    """Let it happen at the sandbox, and its messages arrive; the dispute's id."""
    found = press_quietly(button, object_id)
    make.drain()
    return found


def press_quietly(button: str, object_id: str) -> str:
    """Let it happen at the sandbox; its messages are still on their way."""
    body = sandboxing.press(button=button, object_id=object_id, by=uuid7(), at=NOON)
    return str(body["id"])


def held() -> int:
    return make.balance(account("chargeback_hold", currency="USD"))


def allocate(client: Organization, amount: int) -> object:
    return budgeting.allocate(
        organization=client,
        subject_id=uuid7(),
        amount=usd(amount),
        by=uuid7(),
        key=str(uuid7()),
        at=NOON,
    )


def reserve(client: Organization, project: UUID, amount: int) -> Reservation:
    return reserving.reserve(
        reservation_id=uuid7(),
        organization=client,
        subject_id=project,
        base=usd(amount),
        pool=usd(0),
        quote={},
        by=uuid7(),
        at=NOON,
    )


def test_what_the_bank_took_is_held_with_its_fee_and_seen_at_once() -> None:
    client, charge = paid(10_000)

    press("open_chargeback", charge)

    row = Chargeback.objects.get()
    assert (row.state, row.amount_minor, row.withdrawn_minor) == ("open", 10_000, 10_000)
    assert (row.organization, held()) == (client, 10_000)
    assert make.balance(account("psp_fees", currency="USD")) == 320 + 1500
    assert make.balance(make.clearing()) == 10_000 - 320 - 10_000 - 1500
    assert wallet(client, "USD") == usd(10_000)
    assert frozen(client, "USD", at=NOON) == usd(10_000)
    assert Event.objects.filter(kind="chargeback.opened").count() == 1
    assert check_ledger(NOON).broken == ()


def test_the_client_may_use_only_what_is_above_the_contested_amount() -> None:
    client, charge = paid(10_000)
    make.paid_funding(client, usd(3000))
    press("open_chargeback", charge)

    allocate(client, 3000)
    with pytest.raises(FundsFrozen) as refused:
        allocate(client, 1)

    assert refused.value.data["frozen"] == {"minor": 10_000, "currency": "USD"}
    assert "until the bank has decided" in refused.value.message
    assert "You can use 0.00 USD of 100.00 USD now." in refused.value.message
    assert wallet(client, "USD") == usd(10_000)


def test_an_allocation_that_was_made_before_is_not_asked_again() -> None:
    client, charge = paid(10_000)
    project, key = uuid7(), str(uuid7())

    def give() -> Posting:
        return budgeting.allocate(
            organization=client, subject_id=project, amount=usd(4000), by=project, key=key, at=NOON
        )

    first = give()
    press("open_chargeback", charge)

    assert give() == first


def test_no_batch_opens_out_of_a_budget_that_has_to_cover_the_payment() -> None:
    client, charge = paid(10_000)
    project = uuid7()
    budgeting.allocate(
        organization=client, subject_id=project, amount=usd(9000), by=project, key="all", at=NOON
    )
    press("open_chargeback", charge)

    with pytest.raises(FundsFrozen):
        reserve(client, project, 1)

    assert project_budget(project, "USD").escrow == usd(9000)


def test_nothing_is_given_back_below_the_contested_amount() -> None:
    client, charge = paid(10_000)
    make.paid_funding(client, usd(3000))
    press("open_chargeback", charge)

    with pytest.raises(FundsFrozen):
        refunding.request_refund(
            refund_id=uuid7(),
            organization=client,
            amount=usd(3001),
            why="",
            by=uuid7(),
            at=NOON,
        )

    assert wallet(client, "USD") == usd(13_000)


def test_running_work_goes_on_and_experts_are_paid_all_the_same() -> None:
    client = make.stocked(usd(100_000))
    who = make.onboarded()
    make.earned(who, 5000, client=client)
    charge = str(Funding.objects.get().charge_id)
    make.stocked(usd(200_000))
    press("open_chargeback", charge)
    press("lose_chargeback", Chargeback.objects.get().dispute_id)

    payout = make.send(make.approved_run())

    assert (payout.state, make.transfers()) == ("transferred", [5000])
    assert Payout.objects.get().amount_minor == 5000
    assert check_ledger(NOON).broken == ()


def test_a_lost_payment_takes_wallet_then_budget_and_the_rest_is_our_loss() -> None:
    client, charge = paid(10_000)
    project = uuid7()
    budgeting.allocate(
        organization=client, subject_id=project, amount=usd(7000), by=project, key="a", at=NOON
    )
    batch = reserve(client, project, 5000)
    press("open_chargeback", charge)

    press("lose_chargeback", Chargeback.objects.get().dispute_id)

    row = Chargeback.objects.get()
    assert (row.state, row.lost_to_us_minor, held()) == ("lost", 5000, 0)
    assert wallet(client, "USD") == usd(0)
    assert make.balance(account("chargeback_loss", currency="USD")) == 5000
    assert make.balance(batch.reserved) == 5000
    budget = project_budget(project, "USD")
    assert (budget.escrow, budget.reserved, budget.spent) == (usd(0), usd(5000), usd(0))
    assert frozen(client, "USD", at=NOON) == usd(5000)
    make.credited(batch, make.expert(), 5000)
    rounds.post_earnings(at=NOON)
    assert check_ledger(NOON).broken == ()


def test_a_won_payment_is_whole_again_and_the_client_is_free() -> None:
    client, charge = paid(10_000)
    press("open_chargeback", charge)

    press("win_chargeback", Chargeback.objects.get().dispute_id)

    row = Chargeback.objects.get()
    assert (row.state, row.withdrawn_minor, held()) == ("won", 0, 0)
    assert make.balance(make.clearing()) == 10_000 - 320 - 1500
    allocate(client, 10_000)
    assert check_ledger(NOON).broken == ()


def test_a_warning_moves_no_money_but_keeps_the_amount_together() -> None:
    client, charge = paid(10_000)

    press("warn_of_chargeback", charge)

    assert (Chargeback.objects.get().state, held()) == ("warning", 0)
    assert frozen(client, "USD", at=NOON) == usd(10_000)
    with pytest.raises(FundsFrozen):
        allocate(client, 1)


def test_a_warning_may_pass_or_become_a_chargeback() -> None:
    _, first = paid(10_000)
    _, second = paid(20_000)
    passing = press("warn_of_chargeback", first)
    real = press("warn_of_chargeback", second)

    press("lose_chargeback", passing)
    press("escalate_chargeback", real)

    states = dict(Chargeback.objects.values_list("dispute_id", "state"))
    assert states == {passing: "closed", real: "open"}
    assert held() == 20_000


@pytest.mark.parametrize("end", ["win_chargeback", "lose_chargeback"])
def test_the_messages_of_both_ends_may_come_late_together_and_again(end: str) -> None:
    client, charge = paid(10_000)
    dispute = press_quietly("open_chargeback", charge)
    press_quietly(end, dispute)

    make.drain()
    books = make.balance(make.clearing()), held(), wallet(client, "USD")
    for event in SandboxObject.objects.filter(type="event", body__type__contains="dispute"):
        sandboxing.deliver_event(event_id=event.object_id, at=NOON)
        charging_back.sync_chargeback(dispute_id=dispute, at=NOON)

    assert (make.balance(make.clearing()), held(), wallet(client, "USD")) == books
    assert held() == 0
    assert Event.objects.filter(kind="chargeback.closed").count() == 1
    assert check_ledger(NOON).broken == ()


def test_a_payment_that_is_given_back_after_it_was_lost_returns_to_who_bore_it() -> None:
    client, charge = paid(10_000)
    project = uuid7()
    budgeting.allocate(
        organization=client, subject_id=project, amount=usd(4000), by=project, key="a", at=NOON
    )
    reserve(client, project, 4000)
    dispute = press("open_chargeback", charge)
    press("lose_chargeback", dispute)
    assert make.balance(account("chargeback_loss", currency="USD")) == 4000
    row = SandboxObject.objects.get(object_id=dispute)
    row.body["status"] = "under_review"
    row.save(update_fields=["body"])

    press("win_chargeback", dispute)
    charging_back.sync_chargeback(dispute_id=dispute, at=NOON)

    assert make.balance(account("chargeback_loss", currency="USD")) == 0
    assert wallet(client, "USD") == usd(6000)
    assert Chargeback.objects.get().lost_to_us_minor == 0
    assert check_ledger(NOON).broken == ()


def test_a_contested_payment_that_is_not_ours_waits() -> None:
    _, charge = paid(10_000)
    Funding.objects.update(payment_intent="pi_other", charge_id="ch_other")

    press("open_chargeback", charge)

    assert Chargeback.objects.count() == 0
    assert set(
        StripeEvent.objects.filter(kind__startswith="charge.dispute.").values_list(
            "state", flat=True
        )
    ) == {"received"}


DEFECTS = {
    "the hold": "UPDATE payouts_chargeback SET withdrawn_minor = 1",
    "a payment": "UPDATE payouts_funding SET received_minor = received_minor + 1",
}


@pytest.mark.parametrize("what", DEFECTS)
def test_the_check_names_what_does_not_add_up(what: str) -> None:
    _, charge = paid(10_000)
    press("open_chargeback", charge)
    with connection.cursor() as cursor:
        cursor.execute(DEFECTS[what])

    found = {broken.invariant for broken in check_ledger(NOON).broken}

    assert found & {"L6", "L7"}
