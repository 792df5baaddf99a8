"""A client's bank takes a payment back: hold, then win or lose (MONEY 10). Experts keep theirs."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q, Sum

from marketplace.events.services.recording import record
from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from payouts.gateways.chosen import gateway
from payouts.gateways.port import BalanceTransaction, Dispute
from payouts.models import Account, Chargeback, Entry, Funding, Posting
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.arriving import book_fee
from payouts.services.funding import FundingUnknown
from payouts.signals import funding_frozen

# Stripe's words: docs.stripe.com/api/disputes/object. Whatever else there is counts as open.
_STATES = {
    "warning_needs_response": "warning",
    "warning_under_review": "warning",
    "warning_closed": "closed",
    "prevented": "closed",
    "won": "won",
    "lost": "lost",
}
_OVER = frozenset({"won", "lost", "closed"})
_OURS = ("psp_clearing", "psp_fees", "chargeback_hold", "chargeback_loss")
_CLIENTS = ("wallet", "escrow")
Pots = dict[str, Account]


def sync_chargeback(*, dispute_id: str, at: datetime) -> Chargeback:
    """Look at a contested payment and book what Stripe's balance shows. A sequence; repeat freely.

    What the network took is held apart; what it gave back ends the hold; what is lost comes out of
    the client's free money, the rest is ours. Raises FundingUnknown where the payment is not ours,
    or not yet.
    """
    seen = gateway().read_dispute(dispute_id=dispute_id)
    with transaction.atomic(durable=True):
        row = _lock_or_open(seen, at)
        pots = _lock_pots(row)
        row.refresh_from_db(fields=["lost_to_us_minor"])  # recoup_losses lowers it meanwhile
        # In another currency it is for a person: the reconciliation opens a Break.
        moved = [each for each in seen.movements if each.amount.currency == row.currency]
        for movement in sorted(moved, key=lambda each: each.amount.minor):
            _book(row, movement, pots, at)
        row.withdrawn_minor = max(0, -sum(each.amount.minor for each in moved))
        row.evidence_due_at = seen.evidence_due_at
        _follow(row, _STATES.get(seen.state, "open"), at)
        if row.state == "lost":
            _take_loss(row, pots, at)
        row.save(
            update_fields=[
                "withdrawn_minor",
                "evidence_due_at",
                "state",
                "closed_at",
                "lost_to_us_minor",
            ]
        )
        return row


def _lock_or_open(seen: Dispute, at: datetime) -> Chargeback:
    fundings = Funding.objects.select_for_update(no_key=True, of=("self",))
    is_its = Q(payment_intent=seen.payment_intent) | Q(charge_id=seen.charge)
    funding = fundings.filter(is_its).order_by("id").first()
    if funding is None:
        raise FundingUnknown("This payment is not ours, or not yet.")
    known = Chargeback.objects.filter(dispute_id=seen.dispute_id).select_related("organization")
    row = known.order_by("id").first()
    if row is not None:
        return row
    is_warning = _STATES.get(seen.state) in {"warning", "closed"}
    row = Chargeback.objects.create(
        dispute_id=seen.dispute_id,
        funding=funding,
        organization=funding.organization,
        currency=seen.amount.currency,
        amount_minor=seen.amount.minor,
        reason=seen.reason[:100],
        state="warning" if is_warning else "open",
        evidence_due_at=seen.evidence_due_at,
        opened_at=at,
    )
    _note("chargeback.opened", row, at)
    funding_frozen.send(sender=Chargeback, chargeback=row)
    return row


def _lock_pots(row: Chargeback) -> Pots:
    """Everything that may move, in one go: two chargebacks of a client must not deadlock."""
    wallet = account("wallet", currency=row.currency, organization=row.organization)
    ours = {kind: account(kind, currency=row.currency) for kind in _OURS}
    clients = Account.objects.filter(
        organization=row.organization_id, currency=row.currency, kind__in=_CLIENTS
    )
    ids = [each.id for each in ours.values()]
    ledger.lock_accounts(account_ids=[*ids, *clients.values_list("id", flat=True)])
    return {**ours, "wallet": wallet}


def _book(row: Chargeback, moved: BalanceTransaction, pots: Pots, at: datetime) -> None:
    """A movement of Stripe's balance and its fee, each once."""
    key, amount = f"bt:{moved.transaction_id}", Money(abs(moved.amount.minor), row.currency)
    if amount and not Posting.objects.filter(key=key).exists():
        clearing = pots["psp_clearing"]
        if moved.amount.minor < 0:
            kind, taken = "chargeback_withdrawn", ledger.Leg.debit(pots["chargeback_hold"], amount)
            legs = [taken, ledger.Leg.credit(clearing, amount)]
        else:
            kind, legs = "chargeback_reinstated", [ledger.Leg.debit(clearing, amount)]
            legs += [ledger.Leg.credit(pot, part) for pot, part in _given_back(row, amount, pots)]
        ledger.post(
            key=key,
            kind=kind,
            currency=row.currency,
            legs=legs,
            effective_at=at,
            external_ref=row.dispute_id,
        )
    if moved.fee:
        book_fee(key=f"{key}:fee", fee=moved.fee, ref=moved.transaction_id, at=at)


def _given_back(row: Chargeback, amount: Money, pots: Pots) -> list[tuple[Account, Money]]:
    """Out of the hold; where the loss is booked already, to whoever bore it, us first."""
    if row.state != "lost":
        return [(pots["chargeback_hold"], amount)]
    ours = min(amount, Money(row.lost_to_us_minor, row.currency))
    row.lost_to_us_minor -= ours.minor
    return [(pots["chargeback_loss"], ours), (pots["wallet"], amount - ours)]


def _follow(row: Chargeback, seen: str, at: datetime) -> None:
    """Move to what Stripe sees now. No step is taken backwards, but what has ended without a
    loss begins again when the network takes the money after all.
    """
    if row.state in {"won", "closed"} and row.withdrawn_minor and seen in {"open", "lost"}:
        require_transition(Chargeback.TRANSITIONS, row, "open")
        row.state, row.closed_at = "open", None
        _note("chargeback.opened", row, at)
        funding_frozen.send(sender=Chargeback, chargeback=row)
    if row.state in _OVER or seen in {row.state, "warning"}:
        return
    if row.state == "warning" and seen != "closed":
        row.state = "open"
    if seen == row.state:
        return
    if (row.state, seen) == ("open", "closed"):
        seen = "won"  # given up by the bank after all
    require_transition(Chargeback.TRANSITIONS, row, seen)
    row.state, row.closed_at = seen, at
    _note("chargeback.closed", row, at)


def _take_loss(row: Chargeback, pots: Pots, at: datetime) -> None:
    """End the hold of a lost payment: the wallet, then unreserved budgets, the rest is our loss."""
    missing = _held(row, pots["chargeback_hold"])
    if missing.minor <= 0:
        return
    legs = [ledger.Leg.credit(pots["chargeback_hold"], missing)]
    for pot in free_money(row):
        part = min(missing, Money(pot.balance_minor, row.currency))
        legs.append(ledger.Leg.debit(pot, part))
        missing -= part
    legs.append(ledger.Leg.debit(pots["chargeback_loss"], missing))
    row.lost_to_us_minor += missing.minor
    ledger.post(
        key=loss_key(row),
        kind="chargeback_lost",
        currency=row.currency,
        legs=legs,
        effective_at=at,
        external_ref=row.dispute_id,
    )


def _held(row: Chargeback, hold: Account) -> Money:
    """What of the hold is this chargeback's."""
    entries = Entry.objects.filter(account=hold, posting__external_ref=row.dispute_id)
    sums = dict(entries.values_list("side").annotate(minor=Sum("amount_minor")).order_by())
    return Money(int(sums.get("D", 0)) - int(sums.get("C", 0)), row.currency)


def loss_key(row: Chargeback) -> str:
    """Of the next loss of a chargeback; its postings are locked out by its accounts."""
    key = f"chargeback:{row.dispute_id}"
    if not Posting.objects.filter(key=key).exists():
        return key
    return f"{key}:{Posting.objects.filter(external_ref=row.dispute_id).count()}"


def free_money(row: Chargeback) -> list[Account]:
    """What a loss comes out of: the wallet, then unreserved budgets."""
    rows = Account.objects.filter(
        organization=row.organization_id, currency=row.currency, kind__in=_CLIENTS
    )
    return list(rows.order_by("-kind", "id"))  # wallet comes after escrow in the alphabet


def _note(kind: str, row: Chargeback, at: datetime) -> None:
    record(
        kind,
        at=at,
        object_kind="chargeback",
        object_id=row.id,
        organization=row.organization_id,
        data={"minor": row.amount_minor, "currency": row.currency, "state": row.state},
    )
