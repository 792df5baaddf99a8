"""Pay today: an expert in good standing is paid now, within what the operator dares to risk."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from marketplace.jobs.services.enqueueing import enqueue
from marketplace.kit.errors import DomainError
from marketplace.people.models import Expert
from payouts.models import CashOut, Payee, Payout, PayoutRun
from payouts.selectors.cash_outs import WHY_NOT, cashable, footing_of, plan_cash_out
from payouts.services.holding import note
from payouts.services.paying import Share, pay_out
from payouts.services.rounds import release_early
from payouts.services.running_payouts import finish_run


class CashOutRefused(DomainError):
    """The expert cannot be paid today; the reason is in words, and in `why`."""

    code = "cash_out_refused"
    status = 409


@transaction.atomic
def cash_out(*, expert: Expert, currency: str, at: datetime) -> Payout:
    """Reserve everything the expert may be paid now and have it sent at once.

    The day's run of cash-outs is the lock on the currency's risk budget: two at once never
    exceed it. Raises CashOutRefused.
    """
    run = _run_of_the_day(currency, at)
    payee = _payee(expert)
    rows = cashable(expert=expert, currency=currency).select_for_update(no_key=True)
    earnings = list(rows.order_by("id"))
    footing = footing_of(expert=expert, currency=currency, at=at)
    offer, taken = plan_cash_out(footing=footing, earnings=earnings)
    why_not = offer.why_not or _why_not_in(run, expert)
    if why_not or payee is None:
        raise _refusal(why_not or "no_active_account")
    risk_until = max((row.available_at for row in taken), default=at)
    if taken:
        release_early(earnings=taken, at=at)
    used = [row for row in earnings if row.state == "available" or row in taken]
    (payout,) = pay_out(run=run, shares=[Share(payee, offer.amount, used)], at=at)
    _write(payout, offer.at_risk.minor, risk_until, at)
    return payout


def _write(payout: Payout, at_risk: int, risk_until: datetime, at: datetime) -> None:
    CashOut.objects.create(
        payout=payout,
        currency=payout.currency,
        asked_at=at,
        at_risk_minor=at_risk,
        risk_until=risk_until,
    )
    note(kind="payout.cashed_out", payout=payout, at=at, by=payout.expert.user_id)
    enqueue(
        "payouts.send_some",
        key=f"payouts.send_some:{payout.run_id}:{payout.id}",
        run_id=str(payout.run_id),
    )


def _run_of_the_day(currency: str, at: datetime) -> PayoutRun:
    """The running run of cash-outs, locked; a new one if the last one's day is over and settled."""
    rows = PayoutRun.objects.select_for_update(no_key=True).filter(
        kind="cash_out", currency=currency, state__in=["running", "paused"]
    )
    while True:
        run = rows.order_by("id").first()
        if run is not None and run.opened_at.date() < at.astimezone(UTC).date():
            run = finish_run(run_id=run.id, at=at)
        if run is not None and run.state != "done":
            return run
        fresh = PayoutRun(kind="cash_out", currency=currency, state="running", opened_at=at)
        fresh.collected_at = fresh.closed_at = fresh.approved_at = fresh.started_at = at
        PayoutRun.objects.bulk_create([fresh], ignore_conflicts=True)


def _payee(expert: Expert) -> Payee | None:
    rows = Payee.objects.select_for_update(no_key=True).exclude(state="closed")
    return rows.filter(expert=expert).order_by("id").first()


def _why_not_in(run: PayoutRun, expert: Expert) -> str:
    if run.state == "paused":
        return "paused"
    return "still_settling" if run.payouts.filter(expert=expert).exists() else ""


def _refusal(why_not: str) -> CashOutRefused:
    return CashOutRefused(WHY_NOT[why_not], why=why_not)
