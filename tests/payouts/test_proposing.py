"""Acts on money that two people do together, and the two about a payout."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from marketplace.kit.errors import InvalidInput
from marketplace.kit.ids import uuid7
from payouts.models import Payout, PayoutAttempt, Proposal
from payouts.selectors.proposals import has_sentence, sentence
from payouts.services import holding, onboarding, proposing, releasing, sandboxing, sweeping
from payouts.services.proposing import AlreadyProposed, SamePerson
from payouts.services.sweeping import StillUncertain
from tests.payouts import make
from tests.payouts.make import NOON

pytestmark = pytest.mark.django_db
WHY = "The expert answered our question."
DAY = timedelta(days=1)


def _held() -> Payout:
    make.owed(5000)
    run = make.approved_run()
    payout = Payout.objects.get(run=run)
    return holding.hold_payout(payout=payout, why="Asked a question.", by=make.user().id, at=NOON)


def _unknown() -> PayoutAttempt:
    """A try that timed out before it reached Stripe, as nobody knows."""
    make.owed(5000)
    make.fault("error_before")
    payout = make.send(make.approved_run())
    return PayoutAttempt.objects.get(payout=payout, state="unknown")


def test_every_kind_of_act_has_its_sentence() -> None:
    assert [kind for kind in proposing.kinds() if not has_sentence(kind)] == []


def test_who_proposes_does_not_decide() -> None:
    maker = make.user()
    row = releasing.propose_release(payout=_held(), why=WHY, by=maker, at=NOON)

    for decide in (
        lambda: proposing.approve(proposal=row, by=maker, at=NOON),
        lambda: proposing.refuse(proposal=row, answer="No.", by=maker, at=NOON),
    ):
        with pytest.raises(SamePerson):
            decide()
    with pytest.raises(IntegrityError, match="proposal_checker_is_not_maker"), transaction.atomic():
        Proposal.objects.update(state="approved", decided_by=maker, decided_at=NOON)

    assert Payout.objects.get().state == "held"


def test_only_who_proposed_withdraws() -> None:
    maker = make.user()
    row = releasing.propose_release(payout=_held(), why=WHY, by=maker, at=NOON)

    with pytest.raises(SamePerson):
        proposing.withdraw(proposal=row, by=make.user(), at=NOON)

    assert proposing.withdraw(proposal=row, by=maker, at=NOON).state == "withdrawn"


def test_one_open_proposal_per_subject() -> None:
    payout = _held()
    releasing.propose_release(payout=payout, why=WHY, by=make.user(), at=NOON)

    with pytest.raises(AlreadyProposed):
        releasing.propose_release(payout=payout, why=WHY, by=make.user(), at=NOON)


def test_a_proposal_says_why() -> None:
    with pytest.raises(InvalidInput):
        proposing.propose(
            kind="release_payout", subject_id=uuid7(), terms={}, why="ok", by=make.user(), at=NOON
        )


def test_a_held_payout_is_sent_after_two_people() -> None:
    payout = _held()
    row = releasing.propose_release(payout=payout, why=WHY, by=make.user(), at=NOON)
    assert sentence(row) == f"Send the held payout of 50.00 USD to {payout.expert.pseudonym}."
    assert Payout.objects.get().state == "held"

    proposing.approve(proposal=row, by=make.user(), at=NOON)
    make.drain()

    assert Payout.objects.get().state == "paid"
    assert make.transfers() == [5000]


def test_a_refusal_sends_nothing_and_keeps_the_answer() -> None:
    row = releasing.propose_release(payout=_held(), why=WHY, by=make.user(), at=NOON)

    row = proposing.refuse(proposal=row, answer="Ask once more.", by=make.user(), at=NOON)

    assert (row.state, row.answer) == ("refused", "Ask once more.")
    assert Payout.objects.get().state == "held"


def test_nobody_releases_their_own_payout() -> None:
    payout = _held()

    with pytest.raises(SamePerson, match="your own money"):
        releasing.propose_release(payout=payout, why=WHY, by=payout.expert.user, at=NOON)
    row = releasing.propose_release(payout=payout, why=WHY, by=make.user(), at=NOON)
    with pytest.raises(SamePerson, match="your own money"):
        proposing.approve(proposal=row, by=payout.expert.user, at=NOON)

    assert Payout.objects.get().state == "held"


def test_an_approval_that_no_longer_fits_changes_nothing() -> None:
    payout = _held()
    row = releasing.propose_release(payout=payout, why=WHY, by=make.user(), at=NOON)
    holding.cancel_payout(payout=payout, why="wrong amount", at=NOON)

    with pytest.raises(holding.NotHere):
        proposing.approve(proposal=row, by=make.user(), at=NOON)

    row.refresh_from_db()
    assert row.state == "proposed"


def test_only_a_rejected_payout_is_retried_by_one_person() -> None:
    with pytest.raises(holding.NotHere):
        holding.retry_payout(payout=_held(), by=make.user().id, at=NOON)


def test_a_hold_for_the_account_ends_by_itself() -> None:
    who = make.owed(5000)
    run = make.approved_run()
    account_id = str(who.payees.get().account_id)
    sandboxing.restrict_account(account_id=account_id, by=make.user().id, at=NOON)
    onboarding.sync_payee(account_id=account_id, at=NOON)
    assert make.send(run).state == "held"

    sandboxing.restore_account(account_id=account_id, by=make.user().id, at=NOON)
    onboarding.sync_payee(account_id=account_id, at=NOON)
    make.drain()

    assert Payout.objects.get().state == "paid"


def test_not_found_is_confirmed_by_two_people_after_a_day() -> None:
    attempt = _unknown()
    with pytest.raises(StillUncertain):
        releasing.propose_not_found(attempt=attempt, why=WHY, by=make.user(), at=NOON)

    later = NOON + DAY
    row = releasing.propose_not_found(attempt=attempt, why=WHY, by=make.user(), at=later)
    proposing.approve(proposal=row, by=make.user(), at=later)
    attempt.refresh_from_db()
    assert attempt.state == "unknown"
    releasing.confirm_not_found(proposal_id=row.id, at=later)
    releasing.confirm_not_found(proposal_id=row.id, at=later)

    states = PayoutAttempt.objects.order_by("number").values_list("state", "key")
    payout = Payout.objects.get()
    assert list(states) == [
        ("rejected", f"payout:{payout.id}:1"),
        ("created", f"payout:{payout.id}:2"),
    ]
    assert payout.state == "reserved"


def test_a_transfer_that_turns_up_after_all_is_adopted() -> None:
    make.owed(5000)
    make.fault("time_out_after")
    payout = make.send(make.approved_run())
    attempt = PayoutAttempt.objects.get(payout=payout)
    later = NOON + DAY
    row = releasing.propose_not_found(attempt=attempt, why=WHY, by=make.user(), at=later)
    proposing.approve(proposal=row, by=make.user(), at=later)

    releasing.confirm_not_found(proposal_id=row.id, at=later)

    assert Payout.objects.get().state == "transferred"
    assert make.transfers() == [5000]
    assert sweeping.sweep_attempts(at=later, watch=make.still(later)) == 0
