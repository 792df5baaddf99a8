"""An appeal that is won: who decides it, and which pot pays it back."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from marketplace.people.models import Expert
from payouts.models import Clawback, Earning
from payouts.selectors.budgets import project_budget
from payouts.selectors.clawbacks import root_of
from payouts.services import proposing, reserving, rounds
from payouts.services.accounts import account
from payouts.services.overturning import appeal_clawback
from tests.payouts import make
from tests.payouts.make import HOLD, NOON, usd
from tests.payouts.test_clawing_back import DAY, balance_of, paid, require_sound, taken

pytestmark = pytest.mark.django_db


def overturn(made: Clawback, who: Expert) -> None:
    appeal = appeal_clawback(clawback=made, why="I wrote them myself.", by=who.user, at=NOON)
    proposing.approve(proposal=appeal, by=make.user("New"), at=NOON)


def expense() -> int:
    return make.balance(account("platform_expense", currency="USD"))


@pytest.mark.parametrize("is_posted", [True, False])
def test_a_void_is_paid_back_by_its_open_batch_and_not_by_the_operator(*, is_posted: bool) -> None:
    batch = make.reservation(usd(5500))
    row = make.credited(batch, make.expert(), 5000, fee=500, hold=HOLD)
    if is_posted:
        rounds.post_earnings(at=NOON)
        row.refresh_from_db()

    overturn(taken(row, 5000), row.expert)

    assert (expense(), make.balance(batch.reserved), make.balance(batch.escrow)) == (0, 0, 0)
    assert balance_of(row.expert) == (5000, 0, 0)
    assert project_budget(batch.subject_id, "USD").spent == usd(5500)
    require_sound()


def test_a_void_in_a_closing_batch_is_paid_back_by_its_project() -> None:
    batch = make.reservation(usd(6500))
    row = make.credited(batch, make.expert(), 5000, fee=500, hold=HOLD)
    rounds.post_earnings(at=NOON)
    row.refresh_from_db()
    reserving.release_reservation(reservation=batch, keep=usd(1000), at=NOON)

    overturn(taken(row, 5000), row.expert)

    assert (expense(), make.balance(batch.reserved), make.balance(batch.escrow)) == (0, 1000, 0)
    require_sound()


def test_a_carried_rest_is_paid_back_by_the_project_of_its_work(settings: Settings) -> None:
    settings.PAYOUT_MAX_PER_EXPERT = {"USD": 3000}
    who = make.owed(5000)
    work = Earning.objects.get(expert=who)
    make.approved_run()
    rest = Earning.objects.get(key__startswith="carry:")
    assert work.escrow is not None

    overturn(taken(rest, 2000), who)

    assert (expense(), make.balance(work.escrow)) == (0, 0)
    require_sound()


def test_the_rest_of_works_of_one_instant_leads_to_the_one_that_was_split(
    settings: Settings,
) -> None:
    settings.PAYOUT_MAX_PER_EXPERT = {"USD": 5000}
    client, who = make.stocked(usd(100_000)), make.onboarded()
    first, last = (make.earned(who, 3000, client=client) for _ in range(2))
    make.approved_run()

    rest = Earning.objects.get(key__startswith="carry:")

    assert (rest.pay_minor, rest.earned_at) == (1000, first.earned_at)
    assert root_of(rest).pk == last.pk


def test_who_took_it_back_does_not_refuse_its_appeal() -> None:
    row, who = paid(5000)
    made = taken(row, 5000)
    appeal = appeal_clawback(clawback=made, why="I wrote them myself.", by=who.user, at=NOON + DAY)

    for had_a_part in (made.decided_by, made.proposed_by):
        assert had_a_part is not None
        with pytest.raises(proposing.SamePerson, match="no part in taking it back"):
            proposing.refuse(proposal=appeal, answer="No.", by=had_a_part, at=NOON + DAY)

    refused = proposing.refuse(proposal=appeal, answer="No.", by=make.user(), at=NOON + DAY)
    assert refused.state == "refused"
