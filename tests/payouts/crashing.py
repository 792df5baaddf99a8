"""What happens around a process that dies while it pays, and what has to be true in the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db import connection

from marketplace.jobs.models import Job
from marketplace.kit import clock
from payouts.models import Account, Payout, PayoutAttempt, PayoutRun, Posting
from payouts.selectors.invariants import check_ledger
from payouts.services import running_payouts, sending, sweeping
from tests.payouts import make
from tests.payouts.dying import Death
from tests.payouts.make import NOON, usd
from tests.servers.waiting import until

DYING = "dying"  # the name of its session
Dies = Callable[[Death], None]  # has a process die there


def dies_while_it_reserves(death: Death, dies: Dies) -> None:
    two_experts_are_owed()
    maker = make.user()
    run = running_payouts.open_run(currency="USD", by=maker, at=NOON)

    dies(death)
    require_left(death)
    recover()
    running_payouts.close_run(run=run, by=maker, at=NOON)
    running_payouts.approve_run(run=run, by=make.user(), at=NOON)
    make.drain()

    require_paid_once([4000, 5000])


def dies_while_it_sends(death: Death, dies: Dies) -> None:
    two_experts_are_owed()
    make.approved_run()

    dies(death)
    require_left(death)
    assert "payouts.send_some" in Job.objects.filter(state="running").values_list("kind", flat=True)
    recover()

    require_paid_once([4000, 5000])


def dies_over_an_unknown_payout(death: Death, dies: Dies) -> None:
    two_experts_are_owed()
    make.fault("time_out_after")
    make.approved_run()

    dies(death)
    require_left(death)
    recover()

    require_paid_once([4000, 5000])


def send_and_sweep() -> None:
    """What two jobs do, before any message of Stripe is answered."""
    sending.send_some(run_id=PayoutRun.objects.get().id, at=clock.now())
    sweep_at_once()
    sweeping.sweep_attempts(at=clock.now())


def sweep_at_once() -> None:
    """Let the next sweep take what is unknown without the usual pause."""
    PayoutAttempt.objects.filter(state="unknown").update(next_try_at=NOON)


def two_experts_are_owed() -> None:
    client = make.stocked(usd(100_000))
    make.drain()
    for pay in (4000, 5000):
        make.earned(make.onboarded(), pay, client=client)
    make.drain()


def recover() -> None:
    """What beat and the other workers do in the minutes after."""
    for minutes in (5, 10, 70):
        Job.objects.filter(state="running").update(lease_until=NOON)
        Job.objects.filter(state="ready").update(run_at=NOON)
        make.drain()
        sweeping.sweep_attempts(at=clock.now() + timedelta(minutes=minutes))
    make.drain()


def require_left(death: Death) -> None:
    """The process has died where it should: no sooner, no later."""
    states = Payout.objects.order_by("id").values_list("state", flat=True)
    assert (tuple(states), len(make.transfers())) == (death.payouts, death.transfers)


def require_paid_once(amounts: list[int]) -> None:
    """Σ transfers = Σ ledger, each expert once, and every check of the books holds."""
    assert sorted(make.transfers()) == amounts
    assert sorted(Payout.objects.values_list("amount_minor", flat=True)) == amounts
    assert set(Payout.objects.values_list("state", flat=True)) == {"paid"}
    assert Posting.objects.filter(kind="transfer_made").count() == len(amounts)
    assert Account.objects.get(kind="psp_clearing").credits_minor == sum(amounts) + 2930
    assert PayoutRun.objects.get().state == "done"
    assert check_ledger(clock.now()).broken == ()


def await_its_end() -> None:
    """Return when the server has seen that the process is gone; others pass over its locks."""
    until(_has_no_session)


def _has_no_session() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE application_name = %s", [DYING])
        return cursor.fetchone() is None
