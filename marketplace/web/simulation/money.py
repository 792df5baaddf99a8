"""Money in and out of a simulated instance, through the sandbox's own pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings

from marketplace.kit.money import Money
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert, User
from payouts.models import Funding, PayoutRun
from payouts.services.collecting import collect_run
from payouts.services.funding import start_checkout
from payouts.services.onboarding import start_onboarding
from payouts.services.running_payouts import open_run
from payouts.services.sandboxing import act_on_checkout, act_on_onboarding


def pay_in(*, organization: Organization, amount: Money, by: User, at: datetime) -> Funding:
    """Open a payment page and pay on it; the wallet follows by webhook."""
    back = f"{settings.SITE_URL}/o/{organization.slug}/billing/"
    funding = start_checkout(
        organization=organization,
        amount=amount,
        by=by.pk,
        success_url=back,
        cancel_url=back,
        at=at,
    )
    act_on_checkout(session_id=_last_part(funding.url), act="pay")
    return funding


def set_up_payouts(experts: Iterable[Expert], *, at: datetime) -> None:
    """Each expert goes through the sandbox's onboarding; the payee follows by webhook."""
    for expert in experts:
        url = start_onboarding(expert=expert, return_url=f"{settings.SITE_URL}/earnings/", at=at)
        act_on_onboarding(link_id=_last_part(url), act="complete")


def collecting_run(*, currency: str, by: User, at: datetime) -> PayoutRun:
    """The run that the schedule opened, looked through once more; else a new one. A sequence."""
    rows = PayoutRun.objects.filter(currency=currency, rail="stripe", state="open")
    found = rows.order_by("pk").first()
    if found is None:
        return open_run(currency=currency, by=by, at=at)
    collect_run(run_id=found.pk, at=at)
    return found


def _last_part(url: str) -> str:
    return urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1]
