"""From work to a payout, and back from the payout to the work, to the cent."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from pytest_django.fixtures import Settings

from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit import clock
from payouts.models import Payout
from payouts.selectors.books import explain_payout
from payouts.selectors.invariants import check_ledger
from payouts.services.onboarding import start_onboarding
from payouts.services.rounds import post_earnings, release_holds
from payouts.services.sandboxing import act_on_onboarding
from tasks.models import Assignment
from tasks.services.reviewing import approve, approve_partly
from tests import make
from tests.payouts import make as money

pytestmark = pytest.mark.django_db
LATER = make.NOON + timedelta(days=4)


@pytest.fixture(autouse=True)
def policy(settings: Settings) -> None:
    settings.PAYOUT_RATE_PER_S, settings.PAYOUT_MINIMUM = 0, {"USD": 1}
    settings.JOBS_TICKS, settings.JOBS_SCHEDULE = {}, {}


def test_each_cent_leads_to_an_approved_assignment() -> None:
    money.stocked(make.usd(50_000))
    batch = make.open_batch(tasks=3, answers=1, price=make.usd(1_237))
    ada = make.joined_expert(batch.project)
    lin = batch.created_by
    link = start_onboarding(expert=ada, return_url="https://example.org/", at=make.NOON)
    act_on_onboarding(link_id=link.rsplit("/", 1)[1], act="complete")
    work = [make.submitted(batch, by=ada) for _ in range(3)]
    for assignment in work[:2]:
        approve(assignment=assignment, by=lin, at=make.NOON)
    approve_partly(
        assignment=work[2],
        by=lin,
        percent=50,
        category="low_effort",
        guideline_ref="2",
        message=make.REASON,
        at=make.NOON,
    )
    with clock.at(LATER):
        post_earnings(at=LATER)
        release_holds(at=LATER)
        run_due_jobs()
        run = money.approved_run(at=LATER)
        run_due_jobs()

    payout = Payout.objects.get(run=run, expert=ada)
    lines = explain_payout(payout)
    paid = Assignment.objects.filter(state__in=["approved", "partially_approved"])

    assert payout.state in {"transferred", "bank_pending", "paid"}
    assert {UUID(line.key.removeprefix("assignment:")) for line in lines} == {a.pk for a in paid}
    assert sum(line.amount.minor for line in lines) == payout.amount_minor == 1_237 + 1_237 + 619
    assert money.transfers() == [payout.amount_minor]
    assert check_ledger(LATER).broken == ()
