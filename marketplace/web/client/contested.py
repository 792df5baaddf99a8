"""What a client's bank contests or has taken back, and what has to stay meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.kit.money import Money, zero
from marketplace.web.client.labels import chargeback_badge
from marketplace.web.client.own import Member, projects_of
from payouts.access import visible_chargebacks
from payouts.models import Chargeback, Funding
from payouts.selectors.freezing import freezes, told
from payouts.selectors.losses import Taken, taken_by

SHOWN = 10
NEWS_FOR = timedelta(days=30)
Values = dict[str, Any]  # Any: template values
# docs.stripe.com/disputes/categories
_REASONS = {
    "bank_cannot_process": "the bank could not process it",
    "check_returned": "the check came back",
    "credit_not_processed": "a refund did not arrive",
    "customer_initiated": "the payer asked the bank for it",
    "debit_not_authorized": "the payer did not agree to the debit",
    "duplicate": "charged twice",
    "fraudulent": "the card's holder says it was not them",
    "general": "no reason given",
    "incorrect_account_details": "the account's details are wrong",
    "insufficient_funds": "the account held too little",
    "noncompliant": "the network's rules were not kept",
    "product_not_received": "what was bought did not arrive",
    "product_unacceptable": "what was bought is not as described",
    "subscription_canceled": "a subscription had ended",
    "unrecognized": "the payer does not recognise it",
}


def standing(member: Member, currency: str, *, at: datetime) -> Values:
    """What `held.html` and `contested.html` show, in a fixed number of statements."""
    held = freezes(member.organization, currency, at=at)
    own = visible_chargebacks(to=member.user).filter(organization=member.organization)
    rows = list(own.order_by("-pk")[:SHOWN])
    taken = taken_by(rows)
    titles = dict(projects_of(member).values_list("pk", "title")) if taken else {}
    contested = [_row(each, taken.get(each.pk, []), titles) for each in rows]
    return {
        "held": told(held),
        "held_total": sum((each.amount for each in held), start=zero(currency)),
        "contested": contested,
        "lost": [
            each
            for each in contested
            if each["row"].state == "lost" and each["row"].closed_at > at - NEWS_FOR
        ],
    }


def contests(member: Member, fundings: Sequence[Funding]) -> dict[UUID, str]:
    """`disputed` or `charged_back` for the payments that are, in one statement."""
    own = visible_chargebacks(to=member.user)
    rows = own.filter(funding__in=fundings, state__in=["warning", "open", "lost"])
    return {
        funding: "charged_back" if state == "lost" else "disputed"
        for funding, state in rows.order_by("pk").values_list("funding_id", "state")
    }


def _row(row: Chargeback, taken: list[Taken], titles: dict[UUID, str]) -> Values:
    parts = [_part(each, titles, row.currency) for each in taken]
    return {
        "row": row,
        "badge": chargeback_badge(row.state),
        "amount": Money(row.amount_minor, row.currency),
        "reason": _REASONS.get(row.reason, row.reason.replace("_", " ")),
        "is_open": row.state in {"warning", "open"},
        "taken": ", ".join(parts),
        "on_us": Money(row.lost_to_us_minor, row.currency) if row.lost_to_us_minor else None,
    }


def _part(taken: Taken, titles: dict[UUID, str], currency: str) -> str:
    amount = Money(taken.minor, currency)
    if taken.project_id is None:
        return f"{amount} from the wallet"
    return f"{amount} from the budget of {titles.get(taken.project_id, 'a project')}"
