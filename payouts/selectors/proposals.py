"""What waits for a second person, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from marketplace.kit.money import Money
from payouts.models import POLICY_KINDS, Proposal
from payouts.selectors.exchanges import KIND as EXCHANGE
from payouts.selectors.exchanges import USUAL_PERMILLE, rate_of

Terms = dict[str, Any]  # Any: JSON of the act


def sentence(row: Proposal) -> str:
    """What an approval would do, so that one can decide without knowing our tables."""
    words = _SENTENCES.get(row.kind)
    return words(row, row.terms) if words else f"{row.kind.replace('_', ' ').capitalize()}."


def has_sentence(kind: str) -> bool:
    """Whether a kind of act is explained in words of its own."""
    return kind in _SENTENCES


def waiting_about(rows: QuerySet[Proposal], *, subjects: Iterable[UUID]) -> list[Proposal]:
    """The open ones of these proposals that are about one of the rows, the newest first."""
    found = rows.filter(state="proposed", subject_id__in=list(subjects))
    return list(found.select_related("proposed_by").order_by("-id"))


def _release(_row: Proposal, terms: Terms) -> str:
    return f"Send the held payout of {_amount(terms)} to {terms['expert']}."


def _not_found(_row: Proposal, terms: Terms) -> str:
    return (
        f"Declare that the transfer of {_amount(terms)} to {terms['expert']} never happened, and "
        "send it again with a new key."
    )


def _no_bank_payout(_row: Proposal, terms: Terms) -> str:
    return (
        f"Declare that {_amount(terms)} never left {terms['expert']}'s Stripe balance for the "
        "bank, and send it again with a new key."
    )


def _bank_rejection(_row: Proposal, terms: Terms) -> str:
    return f"Declare that the bank did not pay {_amount(terms)} to {terms['expert']}."


def _adoption(_row: Proposal, terms: Terms) -> str:
    asked, sent = _amount(terms), Money(terms["sent_minor"], terms["currency"])
    if sent == asked:
        return f"Book that Stripe sent {sent} to {terms['expert']} after all ({terms['transfer']})."
    rest = "goes back to the expert's balance" if sent < asked else "is owed back by the expert"
    return (
        f"Book that Stripe sent {sent} instead of {asked} to {terms['expert']} "
        f"({terms['transfer']}); {max(asked, sent) - min(asked, sent)} {rest}."
    )


def _bank_payment(_row: Proposal, terms: Terms) -> str:
    return (
        f"Declare that the bank paid {_amount(terms)} to {terms['expert']}, "
        f"with its reference {terms['reference']}."
    )


def _bank_return(_row: Proposal, terms: Terms) -> str:
    kept = terms["amount_minor"] - terms["received_minor"]
    cost = f"; the banks kept {Money(kept, terms['currency'])} of it, at our cost" if kept else ""
    return (
        f"Book that {_amount(terms)} to {terms['expert']} came back to our bank as "
        f"{terms['reference']}{cost}. The expert is owed it again and gives an account anew."
    )


def _void_payroll(row: Proposal, terms: Terms) -> str:
    people = f"{terms['people']} person" if terms["people"] == 1 else f"{terms['people']} people"
    return (
        f"Void {_amount(terms)} for {people} in payroll {terms['number']} of {_client(row)}; it is "
        "in their balances again."
    )


def _refund_adoption(row: Proposal, terms: Terms) -> str:
    sent = Money(terms["sent_minor"], terms["currency"])
    return (
        f"Book that Stripe gave back {sent} instead of {_amount(terms)} to {_client(row)} "
        f"({terms['provider']})."
    )


def _deposit(_row: Proposal, terms: Terms) -> str:
    return f"Book {_amount(terms)} of the operator's own cash as capital."


def _break(_row: Proposal, terms: Terms) -> str:
    legs = len(terms["legs"])
    done = f"book a correction of {legs} legs" if legs else "book nothing"
    return f"Close a difference found by reconciliation ({terms['difference_minor']}) and {done}."


def _write_off(_row: Proposal, terms: Terms) -> str:
    return f"Give up {_amount(terms)} that an expert owes, at the operator's cost."


def _overturn(_row: Proposal, terms: Terms) -> str:
    return f"Pay {_amount(terms)} back to an expert who appeals a clawback."


def _billing(row: Proposal, terms: Terms) -> str:
    who = row.organization.name if row.organization else "A client"
    if terms["mode"] != "post_paid":
        return f"{who} pays {terms['mode'].replace('_', ' ')} from now on."
    limit = Money(terms["limit_minor"], terms["currency"])
    return f"{who} may draw up to {limit} on credit and pays within {terms['net_days']} days."


def _policy(row: Proposal, terms: Terms) -> str:
    where = [terms["currency"], terms["country"], str(terms["year"] or "")]
    where += [row.organization.name] if row.organization else []
    scope = ", ".join(filter(None, where)) or "everybody"
    what, _, unit = POLICY_KINDS[terms["kind"]].partition(", ")
    number = _in_unit(terms["value"], unit, terms["currency"])
    start = datetime.fromisoformat(terms["effective_at"])
    return f"Set “{what}” to {number} for {scope} from {start:%-d %b %Y, %H:%M} UTC."


def _in_unit(value: int, unit: str, currency: str) -> str:
    if unit == "minor units" and currency:
        return str(Money(value, currency))
    if unit == "in hundredths of a percent":
        return f"{value // 100}.{value % 100:02d} %"
    return f"{value:,}"


def _not_sent(row: Proposal, terms: Terms) -> str:
    return (
        f"Declare that a refund of {_amount(terms)} to {_client(row)} never left; it is free again."
    )


def _wire_back(row: Proposal, terms: Terms) -> str:
    return f"Book that {_amount(terms)} of the wallet of {_client(row)} went back by bank transfer."


def _exchange(row: Proposal, terms: Terms) -> str:
    rate, off = rate_of(row), terms["permille_off"]
    far = f", {off // 10}.{off % 10} % off the last rate" if off and off > USUAL_PERMILLE else ""
    return (
        f"Book that our bank took {rate.sold} and gave {rate.bought} ({rate}{far}), "
        f"reference {terms['reference']}."
    )


def _client(row: Proposal) -> str:
    return row.organization.name if row.organization else "a client"


def _amount(terms: Terms) -> Money:
    return Money(terms["minor"] if "minor" in terms else terms["amount_minor"], terms["currency"])


_SENTENCES: dict[str, Callable[[Proposal, Terms], str]] = {
    "release_payout": _release,
    "confirm_not_found": _not_found,
    "confirm_no_bank_payout": _no_bank_payout,
    "confirm_bank_rejection": _bank_rejection,
    "adopt_transfer": _adoption,
    "confirm_bank_payment": _bank_payment,
    "bank_payment_returned": _bank_return,
    "void_payroll": _void_payroll,
    "adopt_refund": _refund_adoption,
    "deposit_capital": _deposit,
    "resolve_break": _break,
    "write_off": _write_off,
    "overturn_clawback": _overturn,
    "billing_terms": _billing,
    "set_policy": _policy,
    "refund_not_sent": _not_sent,
    "wire_back": _wire_back,
    EXCHANGE: _exchange,
}
