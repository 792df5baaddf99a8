"""What the bank never says in its answer: paid, not paid, or back after all. Two people do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.kit.errors import InvalidInput
from payouts.models import BankBatch, Break, Payee, Payout, PayoutAttempt, Proposal
from payouts.selectors.came_back import came_back_of, unpaid_of
from payouts.selectors.earnings import expert_balance
from payouts.selectors.invariants import check_ledger
from payouts.selectors.overview import alarms, pulse
from payouts.selectors.proposals import sentence
from payouts.services import bank_accounts, bank_answers, bank_files, holding, proposing
from payouts.services.accounts import account
from payouts.services.holding import NotHere
from payouts.services.proposing import SamePerson
from payouts.services.sweeping import StillUncertain
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.rails import IBAN, approved_file, approved_file_run, exported, reference
from tests.payouts.test_bank_rejections import confirm, confirm_rejections

pytestmark = pytest.mark.django_db
LATE = NOON + timedelta(days=5)


def bank(kind: str = "platform_bank") -> int:
    return make.balance(account(kind, currency="USD"))


def paid() -> Payout:
    """A payment that the bank says it made."""
    batch, _ = exported()
    confirm(batch, f"{reference()},paid,50.00,USD,BANK-1,")
    return Payout.objects.get()


def returned(payout: Payout, received: int = 5000) -> Proposal:
    return bank_answers.propose_return(
        payout=payout,
        received=usd(received),
        bank_reference="BACK-7",
        why="The account is closed.",
        by=make.user(),
        at=NOON,
    )


def approve(row: Proposal) -> Payout:
    proposing.approve(proposal=row, by=make.user(), at=LATE)
    return Payout.objects.get()


def test_a_payment_that_comes_back_is_owed_again() -> None:
    payout = paid()
    row = returned(payout)

    after = approve(row)

    assert (after.state, after.why) == ("reversed", "The account is closed.")
    found = expert_balance(payout.expert, "USD")
    assert (found.paid, found.available, bank()) == (usd(0), usd(5000), 0)
    assert [back.cause for back in came_back_of(payout.expert)] == ["bank_returned"]
    assert sum(unpaid_of(payout.expert).owed_anew.values()) == 5000
    assert check_ledger(NOON).broken == ()
    with pytest.raises(NotHere):
        returned(payout)


def test_what_the_banks_kept_of_it_is_the_operators_cost() -> None:
    payout = paid()
    row = returned(payout, 4800)

    assert sentence(row) == (
        f"Book that 50.00 USD to {payout.expert.pseudonym} came back to our bank as BACK-7; the "
        "banks kept 2.00 USD of it, at our cost. The expert is owed it again and gives an account "
        "anew."
    )
    approve(row)

    assert (bank(), bank("platform_expense")) == (-200, 200)
    assert expert_balance(payout.expert, "USD").available == usd(5000)
    assert check_ledger(NOON).broken == ()


@pytest.mark.parametrize("received", [0, 5001])
def test_more_or_less_than_was_sent_cannot_come_back(received: int) -> None:
    payout = paid()

    with pytest.raises(InvalidInput):
        returned(payout, received)


def test_a_return_takes_two_people_neither_of_whom_was_paid() -> None:
    payout = paid()
    row = returned(payout)

    with pytest.raises(SamePerson):
        proposing.approve(proposal=row, by=row.proposed_by, at=NOON)
    with pytest.raises(SamePerson, match="your own money"):
        proposing.approve(proposal=row, by=payout.expert.user, at=NOON)
    assert Payout.objects.get().state == "paid"


def test_an_account_that_returns_money_is_not_paid_again_before_it_is_given_anew() -> None:
    payout = paid()
    approve(returned(payout))

    assert not approved_file_run().payouts.exists()
    bank_accounts.enter_bank_details(
        expert=payout.expert, holder="Ada Expert", account_number=IBAN, bank_code="", at=NOON
    )

    assert approved_file_run().payouts.get().amount_minor == 5000


def test_a_payment_that_waits_for_a_file_is_held_while_its_account_is_restricted() -> None:
    batch, _ = exported()
    ref, who = reference(), Payout.objects.get().expert
    make.available(who, 2000)
    approved_file_run()
    confirm(batch, f"{ref},paid,50.00,USD,BANK-1,")
    second = approved_file()
    row = returned(Payout.objects.get(state="paid"))
    proposing.approve(proposal=row, by=make.user(), at=NOON)

    content = bank_files.export_batch(batch=second, by=make.user(), at=NOON)

    assert content.decode().count("\n") == 1
    assert Payout.objects.get(amount_minor=2000).state == "held"
    bank_accounts.enter_bank_details(
        expert=who, holder="Ada Expert", account_number=IBAN, bank_code="", at=NOON
    )
    assert expert_balance(who, "USD").available == usd(7000)
    assert check_ledger(NOON).broken == ()


def test_a_payment_by_stripe_does_not_come_back_by_the_bank() -> None:
    make.owed(5000)
    payout = make.send(make.approved_run())

    with pytest.raises(NotHere):
        returned(payout)


def silent() -> PayoutAttempt:
    exported()
    return PayoutAttempt.objects.get()


def unpaid(attempt: PayoutAttempt) -> Proposal:
    return bank_answers.propose_unpaid(
        attempt=attempt, why="Not on any statement.", by=make.user(), at=LATE
    )


def found_paid(attempt: PayoutAttempt, ref: str = "BANK-9") -> Proposal:
    return bank_answers.propose_paid(
        attempt=attempt,
        bank_reference=ref,
        why="On the statement of the 23rd.",
        by=make.user(),
        at=LATE,
    )


def test_a_payment_that_the_bank_never_mentions_is_an_alarm_after_five_days() -> None:
    silent()

    def said(days: int) -> list[str]:
        at = NOON + timedelta(days=days)
        return [each.title for each in alarms(pulse(at=at), [], at=at) if "bank" in each.title]

    assert said(5) == []
    assert said(6) == ["1 payment without a word of the bank"]


def test_two_people_say_that_the_bank_did_not_pay_and_it_is_tried_again() -> None:
    attempt = silent()
    with pytest.raises(StillUncertain):
        bank_answers.propose_unpaid(
            attempt=attempt,
            why="Not on any statement.",
            by=make.user(),
            at=LATE - timedelta(seconds=1),
        )

    payout = approve(unpaid(attempt))

    assert (payout.state, BankBatch.objects.get().state) == ("rejected", "confirmed")
    holding.retry_payout(payout=payout, by=make.user().id, at=LATE)
    assert payout.attempts.filter(state="created").count() == 1
    assert check_ledger(NOON).broken == ()


def test_two_people_say_that_the_bank_paid() -> None:
    payout = approve(found_paid(silent()))

    assert (payout.state, payout.transfer_id) == ("paid", "BANK-9")
    assert (BankBatch.objects.get().state, bank()) == ("confirmed", -5000)
    assert expert_balance(payout.expert, "USD").paid == usd(5000)
    assert check_ledger(NOON).broken == ()


def test_one_person_alone_says_nothing_for_the_bank() -> None:
    attempt = silent()
    row = found_paid(attempt)

    with pytest.raises(SamePerson):
        proposing.approve(proposal=row, by=row.proposed_by, at=LATE)
    payee = attempt.payout.expert.user
    with pytest.raises(SamePerson, match="your own money"):
        proposing.approve(proposal=row, by=payee, at=LATE)
    assert Payout.objects.get().state == "unknown"


def test_a_reference_of_the_bank_stands_for_one_payment() -> None:
    batch, _ = exported(5000, 3000)
    confirm(batch, f"{reference(3000)},paid,30.00,USD,BANK-9,")

    with pytest.raises(bank_answers.ReferenceTaken):
        found_paid(PayoutAttempt.objects.get(state="unknown"))


def test_a_reference_that_another_payment_took_meanwhile_is_not_booked_again() -> None:
    batch, _ = exported(5000, 3000)
    row = found_paid(PayoutAttempt.objects.get(payout__amount_minor=5000))
    confirm(batch, f"{reference(3000)},paid,30.00,USD,BANK-9,")

    with pytest.raises(bank_answers.ReferenceTaken):
        proposing.approve(proposal=row, by=make.user(), at=LATE)

    assert Payout.objects.get(amount_minor=5000).state == "unknown"


def test_a_reference_taken_in_the_same_moment_is_refused_by_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch, _ = exported(5000, 3000)
    row = found_paid(PayoutAttempt.objects.get(payout__amount_minor=5000))
    confirm(batch, f"{reference(3000)},paid,30.00,USD,BANK-9,")
    monkeypatch.setattr(bank_answers, "_require_free", lambda _reference: None)  # nothing seen yet

    with pytest.raises(bank_answers.ReferenceTaken):
        proposing.approve(proposal=row, by=make.user(), at=LATE)

    assert Payout.objects.get(amount_minor=5000).state == "unknown"


def test_what_the_bank_paid_after_a_rejection_is_adopted_and_not_paid_again() -> None:
    batch, _ = exported()
    ref = reference()
    confirm(batch, f"{ref},rejected,50.00,USD,,account closed")
    confirm_rejections()
    holding.retry_payout(payout=Payout.objects.get(), by=make.user().id, at=NOON)
    confirm(batch, f"{ref},paid,50.00,USD,BANK-1,")

    payout = approve(found_paid(PayoutAttempt.objects.get(state="rejected"), "BANK-1"))

    assert payout.state == "paid"
    assert [row.state for row in payout.attempts.order_by("number")] == ["succeeded", "rejected"]
    difference = Break.objects.get()
    assert (difference.state, difference.posting is not None) == ("resolved", True)
    assert check_ledger(NOON).broken == ()


def test_a_restricted_account_says_why() -> None:
    approve(returned(paid()))

    payee = Payee.objects.get()
    assert (payee.state, payee.why) == ("restricted", "bank_returned")
