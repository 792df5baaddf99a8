"""Taking back what was earned: by state, by two people, told to the expert, exact to the cent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from marketplace.events.models import Event
from marketplace.kit.errors import Forbidden, InvalidInput, NotFound
from marketplace.kit.ids import uuid7
from marketplace.people.models import DecisionRecord, Expert
from payouts.models import Clawback, Earning, Netting, Payout, Posting, Reservation
from payouts.selectors.budgets import project_budget, reservation_reading
from payouts.selectors.clawbacks import left_of
from payouts.selectors.earnings import Balance, expert_balance
from payouts.selectors.invariants import check_ledger
from payouts.services import debts, holding, proposing, reserving, rounds
from payouts.services.accounts import account
from payouts.services.clawing_back import (
    NothingLeft,
    NotYetPosted,
    OnItsWay,
    make_clawback,
    propose_clawback,
    refuse_clawback,
)
from payouts.services.overturning import AppealOver, appeal_clawback
from tests.payouts import make
from tests.payouts.make import HOLD, NOON, usd

pytestmark = pytest.mark.django_db
MESSAGE = "Your answers to these forty tasks were copied from another person, word for word."
DAY = timedelta(days=1)


def proposed(earning: Earning, minor: int) -> Clawback:
    return propose_clawback(
        earning=earning,
        amount=usd(minor),
        reason="proven_fraud",
        message=MESSAGE,
        evidence=["The same text in submission 12 and 40."],
        by=make.user("Quinn Quality"),
        at=NOON,
    )


def taken(earning: Earning, minor: int) -> Clawback:
    return make_clawback(clawback=proposed(earning, minor), by=make.user(), at=NOON)


def posted(pay: int, *, fee: int = 0) -> tuple[Earning, Reservation]:
    """An earning in its hold, out of a batch with nothing else."""
    batch = make.reservation(usd(pay + fee))
    row = make.credited(batch, make.expert(), pay, fee=fee, hold=HOLD)
    rounds.post_earnings(at=NOON)
    row.refresh_from_db()
    return row, batch


def paid(pay: int = 5000) -> tuple[Earning, Expert]:
    who = make.owed(pay)
    make.send(make.approved_run())
    return Earning.objects.get(expert=who), who


def balance_of(who: Expert) -> tuple[int, int, int]:
    """In hold, available, owed."""
    found: Balance = expert_balance(who, "USD")
    return found.pending.minor, found.available.minor, found.owed.minor


def require_sound() -> None:
    assert [broken for broken in check_ledger(NOON).broken if broken.invariant != "L15"] == []


def test_row_21_a_clawback_takes_from_where_the_money_is() -> None:
    in_hold, _ = posted(1000, fee=150)
    free = make.available(make.expert(), 1000)
    sent, payee = paid(5000)

    for row in (in_hold, free, sent):
        taken(row, 400)

    assert balance_of(in_hold.expert) == (600, 0, 0)
    assert balance_of(free.expert) == (0, 600, 0)
    assert balance_of(payee) == (0, 0, 400)
    require_sound()


def test_row_21_later_pay_nets_what_is_owed_oldest_first() -> None:
    sent, who = paid(5000)
    taken(sent, 3000)
    batch = make.reservation(usd(4000))
    first = make.credited(batch, who, 2500, at=NOON)
    second = make.credited(batch, who, 1500, at=NOON + DAY)
    rounds.post_earnings(at=NOON + DAY)

    rounds.release_holds(at=NOON + DAY)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.netted_minor, second.netted_minor) == (2500, 500)
    assert balance_of(who) == (0, 1000, 0)
    assert sorted(Netting.objects.values_list("amount_minor", flat=True)) == [500, 2500]
    require_sound()


def test_row_21_a_debt_above_later_pay_waits_and_no_balance_is_below_zero() -> None:
    sent, who = paid(5000)
    taken(sent, 5000)
    make.earned(who, 1200, client=make.stocked(usd(1200)))

    assert balance_of(who) == (0, 0, 3800)
    make.approved_run(at=NOON + DAY)
    assert Payout.objects.filter(expert=who).count() == 1
    require_sound()


def test_row_21_what_is_available_pays_the_debt_at_once() -> None:
    sent, who = paid(5000)
    make.earned(who, 1200, client=make.stocked(usd(1200)))

    taken(sent, 5000)

    assert balance_of(who) == (0, 0, 3800)
    require_sound()


def test_row_31_a_void_of_unposted_work_posts_nothing_and_frees_its_reservation() -> None:
    batch = make.reservation(usd(1150))
    row = make.credited(batch, make.expert(), 1000, fee=150, hold=HOLD)

    taken(row, 1000)
    rounds.post_earnings(at=NOON)

    row.refresh_from_db()
    assert (row.state, row.posting, left_of(row)) == ("voided", None, usd(0))
    assert not Posting.objects.filter(kind__in=["earnings_posted", "earning_voided"]).exists()
    assert balance_of(row.expert) == (0, 0, 0)
    back = reserving.release_reservation(reservation=batch, keep=usd(0), at=NOON)
    assert back == usd(1150)
    require_sound()


def test_a_part_of_unposted_work_waits_for_its_round() -> None:
    row = make.credited(make.reservation(usd(1000)), make.expert(), 1000, hold=HOLD)
    wanted = proposed(row, 400)

    with pytest.raises(NotYetPosted):
        make_clawback(clawback=wanted, by=make.user(), at=NOON)
    rounds.post_earnings(at=NOON)
    make_clawback(clawback=wanted, by=make.user(), at=NOON)

    assert balance_of(row.expert) == (600, 0, 0)
    require_sound()


def test_a_void_in_hold_gives_the_batch_its_price_back_and_later_the_project() -> None:
    running, open_batch = posted(1000, fee=150)
    late, closed_batch = posted(1000, fee=150)
    reserving.release_reservation(reservation=closed_batch, keep=usd(0), at=NOON)

    taken(running, 1000)
    taken(late, 1000)

    readings = [reservation_reading(batch.id) for batch in (open_batch, closed_batch)]
    assert [(r.reserved.minor, r.spent.minor) for r in readings if r] == [(1150, 0), (0, 0)]
    assert project_budget(closed_batch.subject_id, "USD").escrow == usd(1150)
    running.refresh_from_db()
    assert running.state == "voided"
    assert make.balance(account("platform_revenue", currency="USD")) == 0
    require_sound()


def test_the_fee_comes_back_with_the_pay_and_its_parts_sum_up() -> None:
    row, batch = posted(1000, fee=101)

    parts = [taken(row, minor).fee_minor for minor in (333, 333, 334)]

    row.refresh_from_db()
    assert (parts, row.state, row.clawed_minor) == ([34, 33, 34], "clawed_back", 1000)
    assert project_budget(batch.subject_id, "USD").escrow == usd(1101)
    assert project_budget(batch.subject_id, "USD").spent == usd(0)
    require_sound()


def test_no_more_is_taken_than_is_left() -> None:
    row = make.available(make.expert(), 1000)
    taken(row, 700)

    with pytest.raises(NothingLeft, match=r"3\.00"):
        proposed(row, 301)
    taken(row, 300)
    with pytest.raises(NothingLeft):
        proposed(row, 1)

    row.refresh_from_db()
    assert (row.state, row.clawed_minor) == ("clawed_back", 1000)


def test_pay_that_settled_a_debt_can_be_taken_back_too() -> None:
    sent, who = paid(5000)
    taken(sent, 1000)
    later = make.earned(who, 1000, client=make.stocked(usd(1000)))
    later.refresh_from_db()
    assert (later.netted_minor, left_of(later)) == (1000, usd(1000))

    made = taken(later, 1000)

    later.refresh_from_db()
    assert (made.owed_minor, later.clawed_minor, later.state) == (1000, 0, "clawed_back")
    assert balance_of(who) == (0, 0, 1000)
    require_sound()


def test_money_in_a_payout_is_left_alone_until_the_payout_ends() -> None:
    who = make.owed(5000)
    run = make.approved_run()
    row = Earning.objects.get(expert=who)
    wanted = proposed(row, 5000)

    with pytest.raises(OnItsWay):
        make_clawback(clawback=wanted, by=make.user(), at=NOON)
    holding.cancel_payout(payout=Payout.objects.get(run=run), why="fraud", at=NOON)
    make_clawback(clawback=wanted, by=make.user(), at=NOON)

    assert balance_of(who) == (0, 0, 0)
    require_sound()


def test_a_clawback_says_why_with_evidence_and_is_never_for_taste() -> None:
    row = make.available(make.expert(), 1000)

    with pytest.raises(InvalidInput) as refused:
        propose_clawback(
            earning=row,
            amount=usd(100),
            reason="low_quality",
            message="Not good enough.",
            evidence=["  "],
            by=make.user(),
            at=NOON,
        )

    assert [error["field"] for error in refused.value.data["errors"]] == [
        "reason",
        "message",
        "evidence",
    ]
    with pytest.raises(IntegrityError, match="reason_a_message_and_evidence"), transaction.atomic():
        Clawback.objects.create(
            earning=row,
            amount_minor=1,
            reason="proven_fraud",
            message=MESSAGE,
            evidence=[],
            proposed_by=make.user(),
            proposed_at=NOON,
        )


def test_the_proposer_may_not_decide_nor_anybody_about_themselves() -> None:
    row = make.available(make.expert(), 1000)
    wanted = proposed(row, 100)

    with pytest.raises(proposing.SamePerson):
        make_clawback(clawback=wanted, by=wanted.proposed_by, at=NOON)
    with pytest.raises(Forbidden):
        make_clawback(clawback=wanted, by=row.expert.user, at=NOON)
    with pytest.raises(proposing.AlreadyProposed):
        proposed(row, 100)

    assert balance_of(row.expert) == (0, 1000, 0)


def test_a_refused_clawback_takes_nothing() -> None:
    row = make.available(make.expert(), 1000)
    wanted = proposed(row, 100)

    refuse_clawback(clawback=wanted, answer="The texts differ.", by=make.user(), at=NOON)

    assert balance_of(row.expert) == (0, 1000, 0)
    assert Clawback.objects.get().answer == "The texts differ."


def test_the_expert_is_told_why_and_until_when_to_appeal() -> None:
    row = make.available(make.expert(), 1000)

    made = taken(row, 1000)

    told = DecisionRecord.objects.get(kind="clawback.made")
    assert (told.expert, told.message, told.evidence) == (row.expert, MESSAGE, made.evidence)
    assert told.appeal_until == made.appeal_until == NOON + timedelta(days=30)
    assert Event.objects.filter(kind="clawback.made", expert=row.expert_id).count() == 1


def test_an_overturned_appeal_pays_back_at_once_once_by_somebody_new() -> None:
    row, _batch = posted(1000, fee=150)
    made = taken(row, 1000)
    reserving.release_reservation(reservation=_batch, keep=usd(0), at=NOON)
    me = row.expert.user

    with pytest.raises(NotFound):
        appeal_clawback(clawback=made, why="I wrote them myself.", by=make.user(), at=NOON)
    appeal = appeal_clawback(clawback=made, why="I wrote them myself.", by=me, at=NOON + DAY)
    with pytest.raises(proposing.SamePerson):
        proposing.approve(proposal=appeal, by=made.proposed_by, at=NOON + DAY)
    proposing.approve(proposal=appeal, by=make.user("New"), at=NOON + DAY)
    rounds.release_holds(at=NOON + DAY)

    assert balance_of(row.expert) == (0, 1000, 0)
    assert make.balance(account("platform_revenue", currency="USD")) == 150
    with pytest.raises(AppealOver):
        appeal_clawback(clawback=made, why="Once more, please.", by=me, at=NOON + DAY)
    require_sound()


def test_an_overturn_is_paid_by_the_operator_when_the_project_has_spent_it() -> None:
    row = make.available(make.expert(), 1000)
    made = taken(row, 1000)
    batch = row.reservation
    assert batch is not None
    reserving.reserve(
        reservation_id=uuid7(),
        organization=batch.organization,
        subject_id=batch.subject_id,
        base=usd(1000),
        pool=usd(0),
        quote={},
        by=uuid7(),
        at=NOON,
    )
    appeal = appeal_clawback(clawback=made, why="I wrote them myself.", by=row.expert.user, at=NOON)

    proposing.approve(proposal=appeal, by=make.user("New"), at=NOON)

    assert make.balance(account("platform_expense", currency="USD")) == 1000
    assert balance_of(row.expert) == (1000, 0, 0)
    require_sound()


def test_nobody_appeals_after_the_clock() -> None:
    row = make.available(make.expert(), 1000)
    made = taken(row, 1000)

    with pytest.raises(AppealOver):
        appeal_clawback(clawback=made, why="I wrote them.", by=row.expert.user, at=NOON + 30 * DAY)


def test_a_debt_is_written_off_by_two_people_and_never_above_itself() -> None:
    sent, who = paid(5000)
    taken(sent, 3000)

    with pytest.raises(debts.OwesLess):
        debts.propose_write_off(
            expert=who, amount=usd(3001), why="Cannot be reached.", by=make.user(), at=NOON
        )
    wanted = debts.propose_write_off(
        expert=who, amount=usd(2000), why="Cannot be reached.", by=make.user(), at=NOON
    )
    with pytest.raises(proposing.SamePerson):
        proposing.approve(proposal=wanted, by=who.user, at=NOON)
    proposing.approve(proposal=wanted, by=make.user(), at=NOON)

    assert balance_of(who) == (0, 0, 1000)
    assert make.balance(account("platform_expense", currency="USD")) == 2000
    require_sound()


def test_the_checks_find_a_debt_without_its_cause() -> None:
    sent, _who = paid(5000)
    made = taken(sent, 3000)
    Clawback.objects.filter(pk=made.pk).update(owed_minor=2999, amount_minor=2999)

    found = {broken.problem.split(":")[0].split(" ")[0] for broken in check_ledger(NOON).broken}

    assert found == {"expert", f"clawback:{made.pk}".split(":")[0], "earning"}
