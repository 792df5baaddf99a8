"""What the operator's bank has exchanged, at which rate, and what one more would leave."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from marketplace.kit.money import Money
from marketplace.kit.rates import Rate
from payouts.models import Posting, Proposal
from payouts.selectors.overview import standings

KIND = "exchange_currency"
# A rate further than this from the last one is asked about again.
USUAL_PERMILLE = 100


@dataclass(frozen=True, slots=True)
class Effect:
    """One currency before and after an exchange: what its bank holds, and the operator's own.

    `own` is what would be left once clients and experts are paid; below zero money is missing.
    """

    bank: Money
    bank_after: Money
    own: Money
    own_after: Money

    @property
    def missing(self) -> Money:
        """What the exchange itself would leave uncovered; nothing where it changes nothing."""
        none = Money(0, self.own.currency)
        return max(none, min(none, self.own) - self.own_after)


def exchanges_of(rows: QuerySet[Proposal]) -> QuerySet[Proposal]:
    """Of these proposals those that are exchanges."""
    return rows.filter(kind=KIND)


def rate_of(row: Proposal) -> Rate:
    """What a proposed or booked exchange sells and buys."""
    terms = row.terms
    return Rate(
        sold=Money(terms["sold_minor"], terms["sold_currency"]),
        bought=Money(terms["bought_minor"], terms["bought_currency"]),
    )


def last_rate(*, sold: str, bought: str) -> Rate | None:
    """The newest booked rate between two currencies, as one that sells `sold`; None before."""
    pair = [sold, bought]
    rows = exchanges_of(Proposal.objects.filter(state="approved")).filter(
        terms__sold_currency__in=pair, terms__bought_currency__in=pair
    )
    row = rows.order_by("-decided_at", "-id").first()
    if row is None:
        return None
    found = rate_of(row)
    return found if found.sold.currency == sold else found.turned()


def is_usual(rate: Rate, last: Rate | None) -> bool:
    """Whether a rate is within ten percent of the last one, or the first of its currencies."""
    return last is None or rate.permille_off(last) <= USUAL_PERMILLE


def effects(rate: Rate) -> list[Effect]:
    """What an exchange would leave in both currencies; nothing is booked."""
    known = {each.code: each for each in standings()}
    found = []
    for change in (-rate.sold, rate.bought):
        none = Money(0, change.currency)
        now = known.get(change.currency)
        bank, clearing, owed = (now.bank, now.clearing, now.owed) if now else (none, none, none)
        after, rest = bank + change, clearing - owed
        found.append(Effect(bank, after, rest + max(none, bank), rest + max(none, after)))
    return found


def sides_of(rows: QuerySet[Posting], *, refs: Iterable[str]) -> QuerySet[Posting]:
    """Of these postings both sides of the exchanges that are linked by `fx:<id>`."""
    keys = [f"{ref}:{side}" for ref in refs for side in ("sold", "bought")]
    return rows.filter(key__in=keys).order_by("-kind", "pk")


def other_sides(rows: QuerySet[Posting], posting: Posting) -> list[Posting]:
    """Of these postings what an exchange has booked with this one; nothing for other kinds."""
    if posting.kind not in ("fx_sold", "fx_bought"):
        return []
    return list(sides_of(rows, refs=[posting.external_ref]).exclude(pk=posting.pk))
