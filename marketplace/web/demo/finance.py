"""Money beside the weekly runs in the demo: an own lab without a card, credit, and what goes wrong.

Everything through the verbs that the pages call, so that a visitor finds each state by clicking.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.organizations.services.employing import begin_employment
from marketplace.people.models import Expert
from marketplace.web.demo import story
from marketplace.web.demo.opening import CURRENCY, World, cost_of
from marketplace.web.simulation.money import pay_in
from payouts.models import Account, Earning, Funding
from payouts.selectors.cash_outs import cashable
from payouts.services.budgeting import allocate
from payouts.services.cashing_out import CashOutRefused, cash_out
from payouts.services.clawing_back import make_clawback, propose_clawback
from payouts.services.granting import approve_grant, propose_deposit, request_grant
from payouts.services.lending import propose_terms
from payouts.services.payrolling import approve_payroll, draft_payroll
from payouts.services.proposing import approve
from payouts.services.refunding import approve_refund, request_refund
from payouts.services.sandboxing import press
from payouts.services.setting_policies import Scope, propose_policy
from payouts.services.wiring import confirm_wire, enter_wire

CONTESTED_MINOR = 25_000
COPIED = (
    "This answer repeats, word for word, the one of another account that signs in from the same"
    " device. Both accounts were asked about it and neither could explain it."
)


def usd(minor: int) -> Money:
    """An amount of the demo's currency."""
    return Money(minor, CURRENCY)


def open_books(world: World, at: datetime) -> None:
    """Rules with numbers, terms of two clients, and cash behind the operator's own lab."""
    first, second = world.staff.finance, world.staff.second_finance
    budget = propose_policy(
        kind="cash_out_budget",
        value=60_000,
        why="What we dare to pay before its hold has passed",
        effective_at=at,
        by=first,
        at=at,
        scope=Scope(currency=CURRENCY),
    )
    terms = [
        propose_terms(
            organization=world.places[slug].organization,
            mode=mode,
            limit=limit,
            net_days=days,
            why=why,
            by=first,
            at=at,
        )
        for slug, mode, limit, days, why in (
            (story.OWN_LAB, "in_house", None, 0, "The operator's own lab"),
            (
                story.ON_CREDIT,
                "post_paid",
                usd(400_000),
                14,
                "Three years of invoices paid in time",
            ),
        )
    ]
    deposit = propose_deposit(amount=usd(500_000), why="Budget of the year", by=first, at=at)
    for proposal in (budget, *terms, deposit):
        approve(proposal=proposal, by=second, at=at)


def grant_budget(world: World, at: datetime) -> None:
    """The own lab asks for what its work needs, under a purchase order, and finance grants it."""
    place = world.places[story.OWN_LAB]
    needed = sum(cost_of(work) for work in story.WORKS if work.lab == story.OWN_LAB)
    grant = request_grant(
        organization=place.organization,
        amount=usd(needed * 2),
        purchase_order="PO-2026-0117",
        cost_centre="R&D 4711",
        by=place.owner,
        at=at,
    )
    approve_grant(grant=grant, by=world.staff.finance, at=at)


def employ(expert: Expert, world: World, at: datetime) -> bool:
    """Whether the expert is on a lab's payroll; the employment begins with the demo."""
    if expert.display_name not in story.EMPLOYED:
        return False
    begin_employment(
        expert=expert,
        workforce="employee",
        organization=world.places[story.OWN_LAB].organization,
        from_date=at.date(),
        at=at,
    )
    return True


def stir(world: World, at: datetime) -> None:
    """The last evening: everything that finance may find in the morning."""
    _draw_on_credit(world, at)
    _ask_for_more(world, at)
    _give_back(world, at)
    _enter_wires(world, at)
    _contest(world, at)
    _take_back(world, at)
    _cash_out(world, at)
    _run_payroll(world, at)


def pay_a_little(world: World, at: datetime) -> None:
    """A small payment of a lab, which its bank will contest."""
    place = world.places[story.CONTESTED]
    pay_in(organization=place.organization, amount=usd(CONTESTED_MINOR), by=place.owner, at=at)


def _contest(world: World, at: datetime) -> None:
    rows = Funding.objects.filter(
        organization=world.places[story.CONTESTED].organization, received_minor=CONTESTED_MINOR
    )
    press(
        button="open_chargeback",
        object_id=str(rows.get().charge_id),
        by=world.staff.finance.pk,
        at=at,
    )


def _draw_on_credit(world: World, at: datetime) -> None:
    place = world.places[story.ON_CREDIT]
    rows = Account.objects.filter(kind="wallet", organization=place.organization)
    free = sum(each.balance_minor for each in rows)
    project = next(each.project for each in world.batches if each.project.created_by == place.owner)
    allocate(
        organization=place.organization,
        subject_id=project.pk,
        amount=usd(free + 120_000),
        by=place.owner.pk,
        key="demo:on-credit",
        at=at,
    )


def _ask_for_more(world: World, at: datetime) -> None:
    place = world.places[story.OWN_LAB]
    request_grant(
        organization=place.organization,
        amount=usd(75_000),
        purchase_order="PO-2026-0204",
        cost_centre="R&D 4711",
        by=place.owner,
        at=at,
    )


def _give_back(world: World, at: datetime) -> None:
    place = world.places[story.REFUNDED]
    for minor, why in ((12_500, "The pilot was smaller than planned"), (4_000, "Budget cut")):
        refund = request_refund(
            refund_id=uuid7(),
            organization=place.organization,
            amount=usd(minor),
            why=why,
            by=place.owner.pk,
            at=at,
        )
        if minor == 12_500:
            approve_refund(refund=refund, by=world.staff.finance, at=at)


def _enter_wires(world: World, at: datetime) -> None:
    place = world.places[story.REFUNDED]
    for minor, reference in ((150_000, "NW-88-1204"), (90_000, "NW-88-1255")):
        wire = enter_wire(
            organization=place.organization,
            amount=usd(minor),
            reference=reference,
            by=world.staff.finance,
            at=at,
        )
        if minor == 150_000:
            confirm_wire(wire=wire, by=world.staff.second_finance, at=at)


def _take_back(world: World, at: datetime) -> None:
    paid = Earning.objects.filter(state="paid", pay_channel="stripe").order_by("pk")
    for number, earning in enumerate(paid[:2]):
        clawback = propose_clawback(
            earning=earning,
            amount=usd(earning.pay_minor),
            reason="proven_fraud",
            message=COPIED,
            evidence=["Comparison of the two answers, character by character"],
            by=world.staff.quality,
            at=at,
        )
        if number == 0:
            make_clawback(clawback=clawback, by=world.staff.finance, at=at)


def _cash_out(world: World, at: datetime) -> None:
    """The first expert who may be paid today asks for it."""
    for expert in world.people:
        if not cashable(expert=expert, currency=CURRENCY).exists():
            continue
        try:
            cash_out(expert=expert, currency=CURRENCY, at=at)
        except CashOutRefused:
            continue
        return


def _run_payroll(world: World, at: datetime) -> None:
    export = draft_payroll(
        organization=world.places[story.OWN_LAB].organization,
        currency=CURRENCY,
        period_from=_weeks_ago(at),
        period_until=at.date(),
        by=world.staff.finance,
        at=at,
    )
    approve_payroll(export=export, by=world.staff.second_finance, at=at)


def _weeks_ago(at: datetime) -> date:
    return (at - timedelta(days=story.DAYS)).date()
