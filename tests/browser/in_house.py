"""An organisation of the operator itself: budgets asked for and granted, payroll made."""

from __future__ import annotations

from datetime import date, timedelta

from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Employment, Organization
from marketplace.people.models import User
from payouts.models import BillingTerms, BudgetGrant, PayrollExport
from payouts.services import earning, granting, payrolling, rounds
from tests import make
from tests.make import NOON, usd
from tests.payouts import make as money


def furnish(*, client: Organization, by: User) -> PayrollExport:
    """Terms of the operator's own, a granted and a waiting budget, a payroll file and a draft."""
    BillingTerms.objects.create(
        organization=client, mode="in_house", effective_at=NOON, made_by=uuid7(), approved_by=by.pk
    )
    granted = _asked(client, by, 250_000)
    granting.approve_grant(grant=granted, by=make.user("Fay Finance"), at=NOON)
    _asked(client, by, 1_234_567)
    export = _drafted(client)
    payrolling.approve_payroll(export=export, by=make.user("Fay Finance"), at=NOON)
    _drafted(client)
    return export


def _asked(client: Organization, by: User, minor: int) -> BudgetGrant:
    return granting.request_grant(
        organization=client,
        amount=usd(minor),
        purchase_order="PO-2026-000123-Rechtsschutzversicherung",
        cost_centre="R&D 4711",
        cap=usd(5_000_000),
        by=by,
        at=NOON,
    )


def _drafted(client: Organization) -> PayrollExport:
    who = make.expert("Emma Employee")
    Employment.objects.create(
        expert=who, organization=client, workforce="employee", from_date=date(2026, 1, 1)
    )
    month_ago = NOON - timedelta(days=30)
    earning.credit(
        key=f"work:{uuid7()}",
        expert=who,
        pay=usd(123_456),
        fee=usd(0),
        reservation=money.reservation(usd(123_456)),
        pay_channel="payroll",
        hold=timedelta(0),
        at=month_ago,
    )
    rounds.post_earnings(at=NOON)
    rounds.release_holds(at=NOON)
    return payrolling.draft_payroll(
        organization=client,
        currency="USD",
        period_from=date(2026, 10, 1),
        period_until=date(2026, 11, 1),
        by=make.user("Kim Second"),
        at=NOON,
    )
