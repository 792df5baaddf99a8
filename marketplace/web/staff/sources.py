"""The row that a posting was made for, found by the posting's key."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import reverse

from marketplace.kit.money import Money
from marketplace.people.models import User
from payouts.access import (
    visible_breaks,
    visible_chargebacks,
    visible_clawbacks,
    visible_earnings,
    visible_fundings,
    visible_grants,
    visible_payouts,
    visible_proposals,
    visible_refunds,
    visible_reservations,
)
from payouts.models import (
    Break,
    BudgetGrant,
    Chargeback,
    Clawback,
    Earning,
    Funding,
    Payout,
    Posting,
    Refund,
    Reservation,
)
from payouts.selectors.exchanges import exchanges_of, rate_of

Source = dict[str, str]


def source_of(found: Posting, user: User) -> Source | None:
    """What a posting is about: label, words, and the address of its page if it has one."""
    prefix, _, rest = found.key.partition(":")
    ask = _SOURCES.get(prefix)
    return ask(rest, user) if ask else None


def _payout(rest: str, user: User) -> Source | None:
    return _of_payout(visible_payouts(to=user).filter(pk=_uuid(rest)))


def _transfer(rest: str, user: User) -> Source | None:
    return _of_payout(visible_payouts(to=user).filter(attempts=_uuid(rest)))


def _reversal(rest: str, user: User) -> Source | None:
    del user
    return {"label": "Transfer reversal", "words": rest, "url": ""} if rest else None


def _of_payout(rows: QuerySet[Payout]) -> Source | None:
    row = rows.select_related("expert").order_by("pk").first()
    if row is None:
        return None
    words = f"{Money(row.amount_minor, row.currency)} to {row.expert.pseudonym}"
    return {"label": "Payout", "words": words, "url": reverse("staff:payout", args=[row.pk])}


def _funding(rest: str, user: User) -> Source | None:
    rows = visible_fundings(to=user).filter(Q(pk=_uuid(rest)) | Q(payment_intent=rest))
    row: Funding | None = rows.select_related("organization").order_by("pk").first()
    if row is None:
        return None
    words = f"{Money(row.received_minor or 0, row.currency)} from {row.organization.name}"
    return {"label": "Payment", "words": words, "url": reverse("staff:payments")}


def _refund(rest: str, user: User) -> Source | None:
    rows = visible_refunds(to=user).filter(pk=_uuid(rest)).select_related("organization")
    row: Refund | None = rows.order_by("pk").first()
    if row is None:
        return None
    words = f"{Money(row.amount_minor, row.currency)} to {row.organization.name}"
    return {"label": "Refund", "words": words, "url": reverse("staff:refunds")}


def _chargeback(rest: str, user: User) -> Source | None:
    rows = visible_chargebacks(to=user).filter(dispute_id=rest).select_related("organization")
    row: Chargeback | None = rows.order_by("pk").first()
    if row is None:
        return None
    words = f"{Money(row.amount_minor, row.currency)} of {row.organization.name}"
    return {"label": "Chargeback", "words": words, "url": reverse("staff:chargebacks")}


def _clawback(rest: str, user: User) -> Source | None:
    return _of_clawback(visible_clawbacks(to=user).filter(pk=_uuid(rest)))


def _void(rest: str, user: User) -> Source | None:
    rows = visible_clawbacks(to=user).filter(earning=_uuid(rest), state="made")
    return _of_clawback(rows)


def _of_clawback(rows: QuerySet[Clawback]) -> Source | None:
    row = rows.select_related("earning").order_by("-pk").first()
    if row is None:
        return None
    words = str(Money(row.amount_minor, row.earning.currency))
    return {"label": "Clawback", "words": words, "url": reverse("staff:clawback", args=[row.pk])}


def _reservation(rest: str, user: User) -> Source | None:
    rows = visible_reservations(to=user).filter(pk=_uuid(rest)).select_related("organization")
    row: Reservation | None = rows.order_by("pk").first()
    if row is None:
        return None
    words = f"{Money(row.base_minor + row.pool_minor, row.currency)} of {row.organization.name}"
    url = f"{reverse('staff:account', args=[row.reserved_id])}"
    return {"label": "Batch's reservation", "words": words, "url": url}


def _earning(rest: str, user: User) -> Source | None:
    rows = visible_earnings(to=user).filter(key=rest).select_related("expert")
    row: Earning | None = rows.order_by("pk").first()
    if row is None:
        return None
    words = f"{Money(row.pay_minor, row.currency)} of {row.expert.pseudonym}"
    return {"label": "Earning", "words": words, "url": ""}


def _grant(rest: str, user: User) -> Source | None:
    rows = visible_grants(to=user).filter(pk=_uuid(rest)).select_related("organization")
    row: BudgetGrant | None = rows.order_by("pk").first()
    if row is None:
        return None
    words = f"{Money(row.amount_minor, row.currency)} to {row.organization.name}"
    return {"label": "Budget grant", "words": words, "url": reverse("staff:grants")}


def _correction(rest: str, user: User) -> Source | None:
    row: Break | None = visible_breaks(to=user).filter(pk=_uuid(rest)).order_by("pk").first()
    if row is None:
        return None
    url = reverse("staff:difference", args=[row.pk])
    return {"label": "Difference", "words": row.note or row.ref, "url": url}


def _exchange(rest: str, user: User) -> Source | None:
    rows = exchanges_of(visible_proposals(to=user)).filter(subject_id=_uuid(rest), state="approved")
    row = rows.order_by("pk").first()
    if row is None:
        return None
    rate = rate_of(row)
    words = f"{rate.sold} for {rate.bought}, {rate}, {row.terms['reference']}"
    return {"label": "Currency exchange", "words": words, "url": reverse("staff:exchanges")}


def _movement(rest: str, user: User) -> Source | None:
    del user
    words = rest.partition(":")[0]
    return {"label": "At Stripe", "words": words, "url": reverse("staff:movements")}


_SOURCES: dict[str, Callable[[str, User], Source | None]] = {
    "payout": _payout,
    "payout_release": _payout,
    "carry": _payout,
    "transfer": _transfer,
    "reversal": _reversal,
    "funding": _funding,
    "wire": _funding,
    "refund": _refund,
    "chargeback": _chargeback,
    "clawback": _clawback,
    "void": _void,
    "reservation": _reservation,
    "release": _reservation,
    "earning": _earning,
    "grant": _grant,
    "correction": _correction,
    "fx": _exchange,
    "bt": _movement,
}


def _uuid(rest: str) -> UUID:
    """The id that a key goes on with, or one that no row has."""
    try:
        return UUID(rest.partition(":")[0])
    except ValueError:
        return UUID(int=0)
