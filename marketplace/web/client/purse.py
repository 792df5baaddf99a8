"""The one currency of a client's money that a page shows, and the way to the others."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from marketplace.kit.money import Money
from marketplace.web.client.acting import link
from marketplace.web.client.own import Member
from payouts.selectors.budgets import wallets


@dataclass(frozen=True, slots=True)
class Purse:
    """`options` are the wallets in every currency, never summed; empty where there is one.

    `query` keeps the choice on the way to another page.
    """

    wallet: Money
    options: list[dict[str, object]]
    query: str

    @property
    def currency(self) -> str:
        """What amounts of the page are in."""
        return self.wallet.currency


def purse_of(request: HttpRequest, member: Member) -> Purse:
    """What `?currency=` or the page's form names, else the first in which there was money."""
    found = wallets(member.organization)
    asked = request.POST.get("currency") or request.GET.get("currency", "")
    shown = asked if asked in found else next(iter(found))
    options = [
        {"label": str(amount), "url": f"?currency={code}", "is_current": code == shown}
        for code, amount in found.items()
    ]
    return Purse(
        wallet=found[shown],
        options=options if len(options) > 1 else [],
        query=f"?currency={shown}" if shown != next(iter(found)) else "",
    )


def back_to(member: Member, name: str, purse: Purse) -> str:
    """The address of one of the client's money pages, in the same currency."""
    return link(member, name) + purse.query
