"""A payment that the bank rejects: two people, another try, and what was paid after all."""

from __future__ import annotations

import pytest

from payouts.models import (
    BankBatch,
    Break,
    Payout,
    PayoutAttempt,
    Proposal,
)
from payouts.selectors.earnings import expert_balance
from payouts.selectors.invariants import check_ledger
from payouts.selectors.proposals import sentence
from payouts.selectors.provider import explained_differences
from payouts.services import (
    bank_files,
    confirming,
    holding,
    proposing,
)
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.rails import (
    exported,
    reference,
)

pytestmark = pytest.mark.django_db
HEAD = "reference,status,amount,currency,bank_reference,reason\n"


def confirm(batch: BankBatch, *lines: str) -> confirming.Confirmation:
    content = (HEAD + "\n".join(lines)).encode()
    return confirming.import_confirmation(batch=batch, content=content, by=make.user(), at=NOON)


def confirm_rejections() -> None:
    """A second person confirms every rejection."""
    for row in Proposal.objects.filter(state="proposed").order_by("id"):
        proposing.approve(proposal=row, by=make.user(), at=NOON)


def test_a_rejected_payment_is_resumed_in_the_next_file_with_a_new_key() -> None:
    batch, _ = exported()

    done = confirm(batch, f"{reference()},rejected,50.00,USD,,account closed")
    confirm_rejections()
    payout = Payout.objects.get()
    assert (done.rejected, payout.state, payout.why) == (1, "rejected", "account closed")
    holding.retry_payout(payout=payout, by=make.user().id, at=NOON)
    second = bank_files.draft_batch(currency="USD", by=make.user(), at=NOON)

    keys = PayoutAttempt.objects.order_by("number").values_list("key", "bank_batch")
    assert list(keys) == [
        (f"payout:{payout.id}:1", batch.id),
        (f"payout:{payout.id}:2", second.id),
    ]


def test_a_rejected_payment_may_be_cancelled_and_restored() -> None:
    batch, _ = exported()
    confirm(batch, f"{reference()},rejected,50.00,USD,,account closed")
    confirm_rejections()
    payout = Payout.objects.get()

    holding.cancel_payout(payout=payout, why="asked to", at=NOON)

    assert expert_balance(payout.expert, "USD").available == usd(5000)
    assert check_ledger(NOON).broken == ()


def test_a_rejection_by_the_bank_takes_two_people() -> None:
    batch, _ = exported()
    one = make.user()
    line = f"{reference()},rejected,50.00,USD,,made up"
    content = (HEAD + line).encode()

    done = confirming.import_confirmation(batch=batch, content=content, by=one, at=NOON)

    row, payout = Proposal.objects.get(), Payout.objects.get()
    assert (done.rejected, payout.state) == (1, "unknown")
    assert sentence(row) == (
        f"Declare that the bank did not pay 50.00 USD to {payout.expert.pseudonym}."
    )
    with pytest.raises(proposing.SamePerson):
        proposing.approve(proposal=row, by=one, at=NOON)
    with pytest.raises(proposing.SamePerson, match="your own money"):
        proposing.approve(proposal=row, by=payout.expert.user, at=NOON)
    assert confirm(batch, line).known == 1
    confirm_rejections()
    batch.refresh_from_db()
    assert (Payout.objects.get().state, batch.state) == ("rejected", "confirmed")


def test_who_is_paid_by_a_file_does_not_answer_for_the_bank() -> None:
    batch, _ = exported()
    who = Payout.objects.get().expert.user

    with pytest.raises(proposing.SamePerson, match="pays you"):
        confirming.import_confirmation(batch=batch, content=HEAD.encode(), by=who, at=NOON)


def test_what_the_bank_paid_meanwhile_is_not_rejected_by_two_people() -> None:
    batch, _ = exported()
    ref = reference()
    confirm(batch, f"{ref},rejected,50.00,USD,,account closed")
    confirm(batch, f"{ref},paid,50.00,USD,BANK-1,")

    with pytest.raises(holding.NotHere):
        confirm_rejections()

    assert Payout.objects.get().state == "paid"


def test_what_the_bank_paid_after_a_rejection_holds_the_next_payment() -> None:
    batch, _ = exported()
    ref = reference()
    confirm(batch, f"{ref},rejected,50.00,USD,,account closed")
    confirm_rejections()
    holding.retry_payout(payout=Payout.objects.get(), by=make.user().id, at=NOON)

    done = confirm(batch, f"{ref},paid,50.00,USD,BANK-1,")

    difference = Break.objects.get()
    assert [problem.number for problem in done.problems] == [2]
    assert (difference.kind, difference.ref, difference.found_minor) == (
        "missing_in_ledger",
        "BANK-1",
        -5000,
    )
    assert Payout.objects.get().state == "held"
    assert explained_differences(kinds=["missing_in_ledger"]) == {}
