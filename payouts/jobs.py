"""The money's background work: each body calls one verb with the time of now."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from marketplace.jobs.services.running import RetryAt
from marketplace.kit import clock
from payouts.services import (
    auditing,
    bank_paying,
    bank_retrying,
    closing_days,
    collecting,
    funding,
    inbox,
    invoicing,
    lending,
    monthly_papers,
    onboarding,
    payee_syncing,
    receipting,
    reconciling,
    recouping,
    releasing,
    returning,
    reversals,
    rounds,
    running_payouts,
    sandboxing,
    scheduling,
    sending,
    sweeping,
)


@shared_task(name="payouts.post_earnings", queue="money")
def post_earnings() -> None:
    rounds.post_earnings(at=clock.now())


@shared_task(name="payouts.release_holds", queue="money")
def release_holds() -> None:
    rounds.release_holds(at=clock.now())


@shared_task(name="payouts.check_ledger", queue="bulk")
def check_ledger() -> None:
    auditing.audit_ledger(at=clock.now())


@shared_task(name="payouts.close_days", queue="bulk")
def close_days() -> None:
    closing_days.close_days(at=clock.now())


@shared_task(name="payouts.reconcile", queue="bulk")
def reconcile() -> None:
    reconciling.reconcile(at=clock.now())


@shared_task(name="payouts.reconcile_fully", queue="bulk")
def reconcile_fully() -> None:
    reconciling.reconcile_fully(at=clock.now())


@shared_task(name="payouts.collect_run", queue="money")
def collect_run(*, run_id: str) -> None:
    collecting.collect_run(run_id=UUID(run_id), at=clock.now())


@shared_task(name="payouts.open_due_runs", queue="money")
def open_due_runs() -> None:
    scheduling.open_due_runs(at=clock.now())


@shared_task(name="payouts.cancel_payouts", queue="money")
def cancel_payouts(*, run_id: str) -> None:
    running_payouts.cancel_payouts(run_id=UUID(run_id), at=clock.now())


@shared_task(name="payouts.send_some", queue="money")
def send_some(*, run_id: str) -> None:
    sending.send_some(run_id=UUID(run_id), at=clock.now())


@shared_task(name="payouts.sweep_attempts", queue="money")
def sweep_attempts() -> None:
    sweeping.sweep_attempts(at=clock.now())


@shared_task(name="payouts.pay_banks", queue="money")
def pay_banks() -> None:
    bank_paying.pay_banks(at=clock.now())


@shared_task(name="payouts.confirm_not_paid", queue="money")
def confirm_not_paid(*, proposal_id: str) -> None:
    bank_retrying.confirm_not_paid(proposal_id=UUID(proposal_id), at=clock.now())


@shared_task(name="payouts.look_up_fundings", queue="money")
def look_up_fundings() -> None:
    funding.look_up_fundings(at=clock.now())


@shared_task(name="payouts.confirm_not_found", queue="money")
def confirm_not_found(*, proposal_id: str) -> None:
    releasing.confirm_not_found(proposal_id=UUID(proposal_id), at=clock.now())


@shared_task(name="payouts.book_reversals", queue="money")
def book_reversals(*, transfer_id: str) -> None:
    reversals.book_reversals(transfer_id=transfer_id, at=clock.now())


@shared_task(name="payouts.send_refund", queue="money")
def send_refund(*, refund_id: str) -> None:
    returning.send_refund(refund_id=UUID(refund_id), at=clock.now())


@shared_task(name="payouts.sweep_refunds", queue="money")
def sweep_refunds() -> None:
    returning.sweep_refunds(at=clock.now())


@shared_task(name="payouts.confirm_refund_not_sent", queue="money")
def confirm_refund_not_sent(*, proposal_id: str) -> None:
    returning.confirm_not_sent(proposal_id=UUID(proposal_id), at=clock.now())


@shared_task(name="payouts.recoup_losses", queue="money")
def recoup_losses() -> None:
    recouping.recoup_losses(at=clock.now())


@shared_task(name="payouts.answer_event", queue="money")
def answer_event(*, event_id: str) -> None:
    try:
        inbox.answer_event(event_id=UUID(event_id), at=clock.now())
    except inbox.NotKnownYet as unknown:
        raise RetryAt(unknown.again_at, unknown.message) from unknown


@shared_task(name="payouts.sync_payee", queue="money")
def sync_payee(*, account_id: str) -> None:
    onboarding.sync_payee(account_id=account_id, at=clock.now())


@shared_task(name="payouts.sync_payees", queue="money")
def sync_payees() -> None:
    payee_syncing.sync_waiting(at=clock.now())


@shared_task(name="payouts.deliver_sandbox_event", queue="money")
def deliver_sandbox_event(*, event_id: str) -> None:
    sandboxing.deliver_event(event_id=event_id, at=clock.now())


@shared_task(name="payouts.pay_sandbox_bank", queue="money")
def pay_sandbox_bank(*, payout_id: str) -> None:
    sandboxing.settle_bank(payout_id=payout_id)


@shared_task(name="payouts.settle_funding", queue="money")
def settle_funding(*, funding_id: str) -> None:
    lending.settle_funding(funding_id=UUID(funding_id), at=clock.now())


@shared_task(name="payouts.invoice_credit", queue="money")
def invoice_credit() -> None:
    lending.invoice_monthly(at=clock.now())


@shared_task(name="payouts.make_papers", queue="bulk")
def make_papers() -> None:
    monthly_papers.make_due_papers(at=clock.now())


@shared_task(name="payouts.issue_receipt", queue="money")
def issue_receipt(*, funding_id: str) -> None:
    receipting.issue_receipt(funding_id=UUID(funding_id), at=clock.now())


@shared_task(name="payouts.settle_invoice", queue="money")
def settle_invoice(*, funding_id: str) -> None:
    invoicing.settle_named_invoice(funding_id=UUID(funding_id), at=clock.now())
