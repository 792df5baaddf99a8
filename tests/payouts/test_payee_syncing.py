"""An account whose message was lost is looked at again within the hour."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from marketplace.jobs.schedule import JOBS_SCHEDULE
from marketplace.people.models import Expert
from payouts.gateways.port import GatewayError
from payouts.gateways.sandbox import store
from payouts.jobs import sync_payees
from payouts.models import Payee, Payout
from payouts.services import onboarding, payee_syncing, sandboxing, sending
from payouts.services.pacing import Watch
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


def restricted() -> Payee:
    """An account that is well again at Stripe, whose message never came."""
    payee = Payee.objects.get(expert=make.onboarded())
    who, account = make.user().id, str(payee.account_id)
    sandboxing.restrict_account(account_id=account, by=who, at=NOON)
    onboarding.sync_payee(account_id=account, at=NOON)
    sandboxing.restore_account(account_id=account, by=who, at=NOON)
    payee.refresh_from_db()
    assert payee.state == "restricted"
    return payee


def states(*payees: Payee) -> list[str]:
    return [Payee.objects.get(pk=each.pk).state for each in payees]


def test_a_restricted_account_that_is_well_again_is_active_and_its_payout_goes_on() -> None:
    client = make.stocked(usd(10_000))
    payee = Payee.objects.get(expert=earned_by(client_money=5000, client=client))
    who, account = make.user().id, str(payee.account_id)
    run = make.approved_run()
    sandboxing.restrict_account(account_id=account, by=who, at=NOON)
    onboarding.sync_payee(account_id=account, at=NOON)
    sending.send_some(run_id=run.id, at=NOON, watch=make.still())
    assert Payout.objects.get().state == "held"
    sandboxing.restore_account(account_id=account, by=who, at=NOON)

    assert payee_syncing.sync_waiting(at=LATER, watch=make.still(LATER)) == 1

    assert (states(payee), Payout.objects.get().state) == (["active"], "reserved")


def earned_by(*, client_money: int, client: object) -> Expert:
    who = make.onboarded()
    make.earned(who, client_money, client=client)  # type: ignore[arg-type]  # an organisation
    return who


def test_a_set_up_whose_end_was_never_told_is_found() -> None:
    payee = Payee.objects.get(expert=make.onboarded())
    Payee.objects.filter(pk=payee.pk).update(state="onboarding")

    payee_syncing.sync_waiting(at=LATER, watch=make.still(LATER))

    assert states(payee) == ["active"]


def test_an_account_that_cannot_be_read_keeps_no_other_from_its_turn() -> None:
    broken, well = restricted(), restricted()
    store.lock(str(broken.account_id), "v2.core.account").delete()

    with pytest.raises(GatewayError):
        payee_syncing.sync_waiting(at=LATER, watch=make.still(LATER))

    assert states(broken, well) == ["restricted", "active"]


def test_who_was_not_looked_at_for_longest_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    newer, older = restricted(), restricted()
    Payee.objects.filter(pk=older.pk).update(checked_at=NOON - timedelta(days=1))
    monkeypatch.setattr(payee_syncing, "MOST_PAYEES", 1)

    payee_syncing.sync_waiting(at=LATER, watch=make.still(LATER))

    assert states(newer, older) == ["restricted", "active"]


def test_it_keeps_the_pace_and_ends_within_a_job(settings: Settings) -> None:
    settings.PAYOUT_RATE_PER_S = 1
    restricted(), restricted()
    seconds = iter(range(0, 10_000, 20))
    waits = list[float]()
    slow = Watch(LATER, clock=lambda: float(next(seconds)), wait=waits.append)

    looked = payee_syncing.sync_waiting(at=LATER, watch=slow)

    assert looked == 1


def test_the_job_looks_every_hour(settings: Settings) -> None:
    payee = restricted()
    settings.PAYOUT_RATE_PER_S = 0

    sync_payees()

    assert (states(payee), JOBS_SCHEDULE["payouts.sync_payees"]) == (["active"], 3600)


def test_a_bank_account_is_none_of_stripes_business() -> None:
    who = make.expert("KE")
    Payee.objects.create(
        expert=who,
        account_id="bank:1",
        country="KE",
        rail="bank_file",
        state="restricted",
        livemode=False,
        created_at=datetime(2026, 1, 1, tzinfo=NOON.tzinfo),
    )

    assert payee_syncing.sync_waiting(at=LATER, watch=make.still(LATER)) == 0
