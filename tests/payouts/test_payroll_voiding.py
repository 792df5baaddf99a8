"""Exported payroll that the employer cannot pay is voided by two people, whole or by line."""

from __future__ import annotations

import pytest
from django.db import connection

from marketplace.kit.states import IllegalTransition
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert
from payouts.models import PayrollExport, Proposal
from payouts.selectors.earnings import expert_balance
from payouts.selectors.invariants import check_ledger
from payouts.selectors.proposals import sentence
from payouts.services import payroll_voiding, payrolling, proposing
from payouts.services.payroll_voiding import NotInPayroll
from payouts.services.proposing import SamePerson
from tests.payouts import make
from tests.payouts.make import usd
from tests.payouts.test_payroll import DECEMBER, drafted, employee, worked

pytestmark = pytest.mark.django_db


def exported(lab: Organization) -> PayrollExport:
    return payrolling.approve_payroll(export=drafted(lab), by=make.user(), at=DECEMBER)


def two() -> tuple[Organization, PayrollExport, Expert, Expert]:
    """An exported payroll of two people, 30.00 and 12.50."""
    lab = make.organization()
    one, other = employee(lab), employee(lab)
    worked(one, 3000)
    worked(other, 1250)
    return lab, exported(lab), one, other


def proposed(export: PayrollExport, *experts: Expert) -> Proposal:
    lines = export.lines.filter(expert__in=experts).values_list("id", flat=True)
    return payroll_voiding.propose_void(
        export=export, lines=list(lines), why="She left the company.", by=make.user(), at=DECEMBER
    )


def void(export: PayrollExport, *experts: Expert) -> PayrollExport:
    proposing.approve(proposal=proposed(export, *experts), by=make.user(), at=DECEMBER)
    export.refresh_from_db()
    return export


def test_a_voided_line_is_in_the_balance_again_and_the_rest_is_paid() -> None:
    lab, export, one, other = two()

    void(export, one)
    payrolling.acknowledge_payroll(export=export, by=make.user(), at=DECEMBER)

    first, second = expert_balance(one, "USD"), expert_balance(other, "USD")
    assert (first.available, first.with_employer, first.by_employer) == (usd(3000), usd(0), usd(0))
    assert (second.available, second.by_employer) == (usd(0), usd(1250))
    assert make.balance(make.wallet(lab)) == 1250
    assert check_ledger(DECEMBER).broken == ()


def test_what_was_voided_is_in_the_next_payroll_once() -> None:
    lab, export, one, _ = two()
    void(export, one)

    again = exported(lab)

    assert [(line.expert, line.amount_minor) for line in again.lines.all()] == [(one, 3000)]
    assert (again.number, again.state) == (2, "exported")
    assert check_ledger(DECEMBER).broken == ()


def test_without_a_line_left_the_payroll_is_void_and_nobody_acknowledges_it() -> None:
    _, export, one, other = two()

    void(export, one, other)

    assert export.state == "voided"
    with pytest.raises(IllegalTransition):
        payrolling.acknowledge_payroll(export=export, by=make.user(), at=DECEMBER)
    assert check_ledger(DECEMBER).broken == ()


def test_voiding_takes_two_people_neither_of_whom_it_pays() -> None:
    lab, export, one, _ = two()
    row = proposed(export, one)

    assert sentence(row) == (
        f"Void 30.00 USD for 1 person in payroll 1 of {lab.name}; it is in their balances again."
    )
    with pytest.raises(SamePerson):
        proposing.approve(proposal=row, by=row.proposed_by, at=DECEMBER)
    with pytest.raises(SamePerson, match="pays you"):
        proposing.approve(proposal=row, by=one.user, at=DECEMBER)
    with pytest.raises(SamePerson, match="pays you"):
        proposing.refuse(proposal=row, answer="No.", by=one.user, at=DECEMBER)
    assert expert_balance(one, "USD").with_employer == usd(3000)


def test_only_what_the_employer_has_not_paid_is_voided() -> None:
    _, export, one, _ = two()
    row = proposed(export, one)
    payrolling.acknowledge_payroll(export=export, by=make.user(), at=DECEMBER)

    with pytest.raises(IllegalTransition):
        proposing.approve(proposal=row, by=make.user(), at=DECEMBER)
    with pytest.raises(IllegalTransition):
        proposed(export, one)


def test_a_line_is_voided_once_and_only_in_its_own_payroll() -> None:
    _, export, one, _ = two()
    _, other, stranger, _ = two()

    with pytest.raises(NotInPayroll):
        proposed(export, stranger)
    void(export, one)
    with pytest.raises(NotInPayroll):
        proposed(export, one)
    assert other.state == "exported"


def test_the_file_stays_as_it_was_approved() -> None:
    _, export, one, _ = two()
    before = (export.csv, export.sha256)

    void(export, one)

    assert (export.csv, export.sha256) == before


@pytest.mark.parametrize(
    ("defect", "number"),
    [
        ("UPDATE payouts_payrollline SET voided_at = NULL", "L6"),
        ("UPDATE payouts_payrollitem SET is_live = true", "L8"),
        (
            "UPDATE payouts_payrollexport SET state = 'voided', cancelled_at = exported_at",
            "L8",
        ),
    ],
)
def test_a_void_that_was_tampered_with_is_named(defect: str, number: str) -> None:
    _, export, one, _ = two()
    void(export, one)
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(defect)
        cursor.execute("SET session_replication_role = origin")

    assert number in {broken.invariant for broken in check_ledger(DECEMBER).broken}
