"""Payroll: employees are paid by their employer, exactly once, never by a transfer."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from hashlib import sha256

import pytest
from django.db import IntegrityError, transaction

from marketplace.kit.errors import InvalidInput
from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Employment, Organization
from marketplace.people.models import Expert
from payouts.models import Earning, Payout, PayoutItem, PayrollExport, PayrollItem, PayrollLine
from payouts.selectors.invariants import check_ledger
from payouts.services import budgeting, earning, payrolling, rounds
from payouts.services.accounts import account
from payouts.services.ledger import InsufficientBalance
from payouts.services.payrolling import NothingToExport
from payouts.services.proposing import SamePerson
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.test_clawing_back import taken

pytestmark = pytest.mark.django_db

MONTH = (date(2026, 11, 1), date(2026, 12, 1))
DECEMBER = datetime.fromisoformat("2026-12-02T09:00:00+00:00")


def employee(lab: Organization, since: date = date(2026, 1, 1)) -> Expert:
    who = make.expert()
    Employment.objects.create(expert=who, organization=lab, workforce="employee", from_date=since)
    return who


def worked(who: Expert, pay: int, *, at: datetime = NOON, channel: str = "payroll") -> Earning:
    row = earning.credit(
        key=f"work:{uuid7()}",
        expert=who,
        pay=usd(pay),
        fee=usd(0),
        reservation=make.reservation(usd(pay)),
        pay_channel=channel,
        hold=timedelta(0),
        at=at,
    )
    rounds.post_earnings(at=at)
    rounds.release_holds(at=at)
    return row


def drafted(lab: Organization) -> PayrollExport:
    return payrolling.draft_payroll(
        organization=lab,
        currency="USD",
        period_from=MONTH[0],
        period_until=MONTH[1],
        by=make.user(),
        at=DECEMBER,
    )


def test_a_draft_takes_each_earning_once_and_approval_freezes_the_file() -> None:
    lab = make.organization()
    who = employee(lab)
    first, second = worked(who, 3000), worked(who, 1250)

    export = payrolling.approve_payroll(export=drafted(lab), by=make.user(), at=DECEMBER)

    ids = " ".join(sorted(map(str, (first.id, second.id))))
    assert export.csv.splitlines()[1] == (
        f"{who.pseudonym},Ada Expert,2026-11-01,2026-12-01,0.00,4250,USD,42.50,{ids}"
    )
    assert (export.number, export.sha256) == (1, sha256(export.csv.encode()).hexdigest())
    with pytest.raises(NothingToExport):
        drafted(lab)


def test_the_employers_acknowledgement_gives_it_back_what_covered_the_pay() -> None:
    lab = make.organization()
    row = worked(employee(lab), 3000)
    export = payrolling.approve_payroll(export=drafted(lab), by=make.user(), at=DECEMBER)

    payrolling.acknowledge_payroll(export=export, by=make.user(), at=DECEMBER)

    row.refresh_from_db()
    assert row.state == "paid"
    assert make.balance(make.wallet(lab)) == 3000
    assert check_ledger(DECEMBER).broken == ()


def test_a_cancelled_draft_gives_everything_back_and_can_be_made_again() -> None:
    lab = make.organization()
    who = employee(lab)
    worked(who, 3000)
    payrolling.cancel_payroll(export=drafted(lab), by=make.user(), at=DECEMBER)

    again = drafted(lab)

    assert again.lines.get().amount_minor == 3000
    assert make.balance(account("payroll_payable", currency="USD", expert=who)) == 3000
    assert check_ledger(DECEMBER).broken == ()


def test_whoever_made_it_or_is_paid_by_it_does_not_approve_it() -> None:
    lab = make.organization()
    who = employee(lab)
    worked(who, 3000)
    export = drafted(lab)

    with pytest.raises(SamePerson):
        payrolling.approve_payroll(export=export, by=export.made_by, at=DECEMBER)
    with pytest.raises(SamePerson):
        payrolling.approve_payroll(export=export, by=who.user, at=DECEMBER)
    with pytest.raises(IntegrityError, match="payroll_checker_is_not_maker"), transaction.atomic():
        PayrollExport.objects.filter(pk=export.pk).update(approved_by=export.made_by)


def test_pay_earned_by_transfer_and_for_another_employer_stays_out() -> None:
    lab, other = make.organization(), make.organization()
    who = employee(lab)
    worked(who, 3000, channel="stripe")
    worked(employee(other), 2000)

    with pytest.raises(NothingToExport):
        drafted(lab)


def test_the_employer_is_whoever_employed_on_the_day_it_was_earned() -> None:
    before, after = make.organization(), make.organization()
    who = employee(before)
    worked(who, 3000)
    Employment.objects.filter(expert=who).update(until_date=date(2026, 11, 25))
    Employment.objects.create(
        expert=who, organization=after, workforce="employee", from_date=date(2026, 11, 25)
    )
    worked(who, 700, at=NOON + timedelta(days=7))

    assert drafted(before).lines.get().amount_minor == 3000
    assert drafted(after).lines.get().amount_minor == 700


def test_a_period_that_is_not_over_is_refused() -> None:
    lab = make.organization()
    worked(employee(lab), 3000)

    with pytest.raises(InvalidInput):
        payrolling.draft_payroll(
            organization=lab,
            currency="USD",
            period_from=MONTH[0],
            period_until=MONTH[1],
            by=make.user(),
            at=NOON,
        )


def test_row_26_an_employee_is_never_in_a_payout_nor_a_freelancer_in_a_payroll() -> None:
    lab = make.organization()
    inside = worked(employee(lab), 3000)
    outside = make.available(make.onboarded(), 2000)
    run = make.approved_run(at=DECEMBER)
    line = drafted(lab).lines.get()

    assert PayoutItem.objects.get(payout__run=run).earning_id == outside.id
    with pytest.raises(IntegrityError, match="paid by the employer"), transaction.atomic():
        PayoutItem.objects.create(payout=Payout.objects.get(), earning=inside, amount_minor=1)
    with pytest.raises(IntegrityError, match="only an employee"), transaction.atomic():
        PayrollItem.objects.create(line=line, earning=outside, amount_minor=1)


def test_an_earning_in_two_live_lines_is_refused_by_the_database() -> None:
    lab = make.organization()
    row = worked(employee(lab), 3000)
    export = drafted(lab)
    line = PayrollLine.objects.create(
        export=export, expert=make.expert(), seconds=0, amount_minor=3000
    )

    with (
        pytest.raises(IntegrityError, match="an_earning_is_in_one_live_payroll_line"),
        transaction.atomic(),
    ):
        PayrollItem.objects.create(line=line, earning=row, amount_minor=3000)


def test_a_line_that_lost_its_items_is_named_by_the_check() -> None:
    lab = make.organization()
    worked(employee(lab), 3000)
    export = drafted(lab)

    PayrollItem.objects.filter(line__export=export).update(is_live=False)

    assert "L8" in {broken.invariant for broken in check_ledger(DECEMBER).broken}


def test_nobody_says_that_their_own_pay_was_paid() -> None:
    lab = make.organization()
    who = employee(lab)
    worked(who, 3000)
    export = payrolling.approve_payroll(export=drafted(lab), by=make.user(), at=DECEMBER)

    with pytest.raises(SamePerson):
        payrolling.acknowledge_payroll(export=export, by=who.user, at=DECEMBER)


def acknowledged(lab: Organization) -> None:
    export = payrolling.approve_payroll(export=drafted(lab), by=make.user(), at=DECEMBER)
    payrolling.acknowledge_payroll(export=export, by=make.user(), at=DECEMBER)


def test_what_an_employer_has_paid_is_taken_back_from_its_wallet_and_from_nobody_else() -> None:
    lab = make.organization()
    row = worked(employee(lab), 3000)
    acknowledged(lab)
    row.refresh_from_db()

    made = taken(row, 2000)

    assert row.escrow is not None
    assert made.owed_minor == 0
    assert (make.balance(make.wallet(lab)), make.balance(row.escrow)) == (1000, 2000)
    owed = account("expert_receivable", currency="USD", expert=row.expert)
    assert make.balance(owed) == 0
    assert check_ledger(DECEMBER).broken == ()


def test_what_the_employer_has_spent_since_is_not_taken_back() -> None:
    lab = make.organization()
    row = worked(employee(lab), 3000)
    acknowledged(lab)
    row.refresh_from_db()
    _spend(lab, 1500)

    with pytest.raises(InsufficientBalance, match=r"20\.00 USD, but there is 15\.00 USD"):
        taken(row, 2000)

    assert make.balance(make.wallet(lab)) == 1500


def _spend(lab: Organization, minor: int) -> None:
    budgeting.allocate(
        organization=lab, subject_id=uuid7(), amount=usd(minor), by=uuid7(), key="spent", at=NOON
    )
