"""Staff at their pages, and what lies in their queues."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplace.jobs.models import Job
from marketplace.jobs.services.running import GiveUp, run_due_jobs
from marketplace.kit.ids import uuid7
from marketplace.people.models import Expert, User
from marketplace.people.services.staffing import grant_role
from payouts.models import Payout, PayoutRun
from payouts.services import collecting, running_payouts
from tests import make
from tests.browser.pages import signed_in
from tests.jobs import kinds
from tests.make import NOON
from tests.payouts import make as money
from tests.vetting import build
from vetting.models import Application, Credential, Domain
from vetting.services.applications import apply, propose_decision, submit

ENOUGH = (
    "Your statement names no case work in the last five years, and this domain asks for at least "
    "one documented year of practice before work is given out."
)


def staff(*roles: str, name: str = "Sam Staff") -> User:
    """A member of staff with these roles and a second factor."""
    person = newly_hired(*roles, name=name)
    Authenticator.objects.create(user=person, type="totp", data={})
    return person


def newly_hired(*roles: str, name: str = "Sam Staff") -> User:
    """A member of staff who has set up no second factor yet."""
    root = User.objects.create_superuser(f"{uuid7().hex}@example.org", name="Root")
    person = make.user(name)
    for role in roles:
        grant_role(user=person, role=role, by=root, at=NOON)
    person.refresh_from_db()
    return person


def enter(who: User) -> Client:
    """The browser of somebody who gave their password a moment ago."""
    return signed_in(who)


def applied(domain: Domain, who: Expert | None = None) -> Application:
    """An application that waits for people."""
    found = apply(
        expert=who or make.expert(), domain=domain, statement="Ten years of practice.", at=NOON
    )
    return submit(application=found, at=NOON)


def domain(slug: str = "medicine") -> Domain:
    """A domain with one skill and no policy, so that two people decide."""
    return make.skill(slug).domain


def proposed(application: Application, *, by: User, outcome: str = "declined") -> Application:
    """A decision that somebody proposed."""
    assert outcome in ("approved", "declined")
    return propose_decision(
        application=application,
        outcome="declined" if outcome == "declined" else "approved",
        reason=build.WHY,
        by=by,
        at=NOON,
    )


def credential(who: Expert | None = None) -> Credential:
    """A credential that waits to be checked."""
    return build.submitted_credential(who or make.expert())


def closed_run(by: User, *, pays: int = 5000) -> PayoutRun:
    """A run of one payout that somebody opened and closed."""
    money.owed(pays)
    run = running_payouts.open_run(currency="USD", by=by, at=NOON)
    collecting.collect_run(run_id=run.pk, at=NOON)
    return running_payouts.close_run(run=run, by=by, at=NOON)


def payout_of(run: PayoutRun) -> Payout:
    """The only payout of a run."""
    return Payout.objects.get(run=run)


def dead_job(name: str = "broken") -> Job:
    """A job that gave up."""

    def give_up() -> None:
        raise GiveUp("Stripe closed this account.")

    job = kinds.queued(name, give_up)
    run_due_jobs()
    job.refresh_from_db()
    return job


def queries(client: Client, url: str) -> int:
    """How many statements a page takes; the first visit warms what a process keeps."""
    client.get(url)
    with CaptureQueriesContext(connection) as seen:
        response = client.get(url)
    assert response.status_code == 200
    return len(seen)


def text(response: Any) -> str:  # Any: the test client's own
    """The page's markup."""
    return str(response.content.decode())
