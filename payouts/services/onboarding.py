"""An expert says where to be paid: Stripe's own forms, and what Stripe thinks of the account."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError
from marketplace.kit.ids import uuid7
from marketplace.people.models import Expert
from payouts.gateways.chosen import gateway
from payouts.gateways.port import GatewayError, Recipient
from payouts.models import Payee, Payout, PayoutAttempt
from payouts.policy import REACHABLE
from payouts.services.bank_schedules import take_bank_early
from payouts.services.funding import PaymentsUnavailable
from payouts.services.holding import PAID_LATE, cancel_payout, resume_payout
from payouts.signals import payee_restricted


class CountryNotReachable(DomainError):
    """Stripe cannot pay out where the expert lives."""

    code = "country_not_reachable"
    status = 409


class PayeeUnknown(DomainError):
    """No payee of ours has this account yet."""

    code = "payee_unknown"
    status = 404


def start_onboarding(*, expert: Expert, return_url: str, at: datetime) -> str:
    """A link to Stripe's forms for this expert, good once. A sequence, for edges.

    Raises CountryNotReachable, PaymentsUnavailable.
    """
    payee = _payee_of(expert, at)
    try:
        if payee.account_id is None:
            payee = _open_account(payee, expert)
        take_bank_early(payee=payee, at=at)
        return gateway().onboarding_url(
            account_id=str(payee.account_id),
            return_url=return_url,
            key=f"payee:{payee.id}:link:{uuid7()}",
        )
    except GatewayError as error:
        raise PaymentsUnavailable("Payout set-up does not answer just now. Try again.") from error


def sync_payee(*, account_id: str, at: datetime) -> Payee:
    """Look at an account and take over what Stripe sees now. A sequence; repeat it freely.

    An account that may receive again lets the payouts that waited for it go on. What was read while
    somebody else took over another look may be older than theirs, so it is read again. Raises
    PayeeUnknown.
    """
    while True:
        known = _checked_at(account_id)
        seen = gateway().read_recipient(account_id=account_id)
        with transaction.atomic(durable=True):
            rows = Payee.objects.select_for_update().filter(account_id=account_id)
            payee = rows.order_by("id").first()
            if payee is None:
                raise PayeeUnknown("This account is not ours, or not yet.")
            if payee.checked_at == known:
                _apply(payee, seen, at)
                return payee


def _checked_at(account_id: str) -> datetime | None:
    payee = Payee.objects.filter(account_id=account_id).order_by("id").first()
    return payee.checked_at if payee else None


def close_payees(*, expert: Expert, rail: str, at: datetime) -> None:
    """Another account takes the place of the one on this rail; what it has not sent is cancelled.

    What is held or was refused goes back to the balance at once, unless a call may be on its way.
    The sender cancels what waits in a run: it asks for the payee before each call.
    """
    rows = Payee.objects.select_for_update().filter(expert=expert, rail=rail)
    for row in rows.exclude(state="closed").order_by("id"):
        row.state, row.why = "closed", "replaced"
        row.save(update_fields=["state", "why"])
        record("payee.closed", at=at, object_kind="payee", object_id=row.id, expert=expert.id)
        _give_back_unsent(row, "the payout account was replaced", at)


def _give_back_unsent(payee: Payee, why: str, at: datetime) -> None:
    rows = Payout.objects.filter(payee=payee, state__in=["held", "rejected"])
    may_be_sent = PayoutAttempt.objects.filter(
        payout=OuterRef("pk"), state__in=["sending", "unknown", "succeeded"]
    )
    free = rows.exclude(Exists(may_be_sent)).exclude(why=PAID_LATE)
    for payout in free.order_by("id"):
        cancel_payout(payout=payout, why=why, at=at)


def _payee_of(expert: Expert, at: datetime) -> Payee:
    if expert.country not in REACHABLE:
        raise CountryNotReachable(
            f"Payouts by Stripe do not reach {expert.country} yet.", country=expert.country
        )
    with transaction.atomic(durable=True):
        close_payees(expert=expert, rail="bank_file", at=at)
        fresh = Payee(
            expert=expert, country=expert.country, livemode=gateway().is_live, created_at=at
        )
        Payee.objects.bulk_create([fresh], ignore_conflicts=True)
        return Payee.objects.exclude(state="closed").get(expert=expert)


def _open_account(payee: Payee, expert: Expert) -> Payee:
    seen = gateway().create_recipient(
        payee_id=payee.id,
        country=payee.country,
        name=expert.display_name,
        email=expert.user.email,
        key=f"payee:{payee.id}:account",
    )
    with transaction.atomic(durable=True):
        row = Payee.objects.select_for_update().get(id=payee.id)
        if row.state == "new":
            row.state, row.account_id = "onboarding", seen.account_id
            row.save(update_fields=["state", "account_id"])
    return row


def _apply(payee: Payee, seen: Recipient, at: datetime) -> None:
    before = payee.state
    payee.state, payee.why, payee.checked_at = _state(payee, seen), seen.why, at
    payee.save(update_fields=["state", "why", "checked_at"])
    if payee.state == "active":
        waiting = Payout.objects.filter(payee=payee, state="held", why="account")
        for payout in waiting.order_by("id"):
            resume_payout(payout=payout, at=at)
    if payee.state == before:
        return
    if payee.state == "closed":
        _give_back_unsent(payee, "the payout account was closed", at)
    record(
        f"payee.{'activated' if payee.state == 'active' else payee.state}",
        at=at,
        object_kind="payee",
        object_id=payee.id,
        expert=payee.expert_id,
        data={"why": payee.why},
    )
    if payee.state == "restricted":
        payee_restricted.send(sender=Payee, payee=payee)


def _state(payee: Payee, seen: Recipient) -> str:
    if seen.is_closed or payee.state == "closed":
        return "closed"
    if seen.can_receive:
        return "active"
    return "onboarding" if payee.state in {"new", "onboarding"} else "restricted"
