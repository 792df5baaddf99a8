"""A worker's process that ends anywhere while it pays: everybody gets it once, booked once."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from marketplace.jobs.models import Job
from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit import clock
from payouts.models import Account, Payout, PayoutAttempt, PayoutRun, Posting
from payouts.selectors.invariants import check_ledger
from payouts.services import running_payouts, sending, sweeping
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("CHAOS" not in os.environ, reason="forks the process: make chaos"),
]
DIED = 9


def die_at(place: str, call: int) -> None:
    """End this process, without a goodbye, when `place` is called for this time."""
    module_name, name = place.rsplit(".", 1)
    try:
        owner = importlib.import_module(module_name)
    except ModuleNotFoundError:
        outer, inner = module_name.rsplit(".", 1)
        owner = getattr(importlib.import_module(outer), inner)
    original, calls = getattr(owner, name), 0

    def counted(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call:
            os._exit(DIED)
        return original(*args, **kwargs)

    setattr(owner, name, counted)


def in_a_process(work: Callable[[], object], place: str, call: int = 1) -> int:
    """Do the work as a child of a worker does, which dies at this place; its exit code."""
    connection.close()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            die_at(place, call)
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    _end_other_sessions()
    return os.waitstatus_to_exitcode(status)


def _end_other_sessions() -> None:
    """The server ends a dead client's session; a browser beside us may hold its socket open."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def recover() -> None:
    """What beat and the other workers do in the minutes after."""
    for minutes in (5, 10, 70):
        Job.objects.filter(state="running").update(lease_until=NOON)
        Job.objects.filter(state="ready").update(run_at=NOON)
        make.drain()
        sweeping.sweep_attempts(at=clock.now() + timedelta(minutes=minutes))
    make.drain()


def require_paid_once(amounts: list[int]) -> None:
    """Σ transfers = Σ ledger, each expert once, and every check of the books holds."""
    assert sorted(make.transfers()) == amounts
    assert sorted(Payout.objects.values_list("amount_minor", flat=True)) == amounts
    assert set(Payout.objects.values_list("state", flat=True)) == {"paid"}
    assert Posting.objects.filter(kind="transfer_made").count() == len(amounts)
    assert Account.objects.get(kind="psp_clearing").credits_minor == sum(amounts) + 2930
    assert PayoutRun.objects.get().state == "done"
    assert check_ledger(clock.now()).broken == ()


def two_experts_are_owed() -> None:
    client = make.stocked(usd(100_000))
    make.drain()
    for pay in (4000, 5000):
        make.earned(make.onboarded(), pay, client=client)
    make.drain()


@pytest.mark.parametrize(
    ("place", "call"),
    [
        ("payouts.services.paying.first_attempts", 1),  # inside the reserve, money posted
        ("payouts.services.paying.note", 2),  # at its end, attempts written
        ("marketplace.jobs.services.leases.finish", 1),  # reserved, and the job not done
    ],
)
def test_a_process_that_dies_while_it_reserves(place: str, call: int) -> None:
    two_experts_are_owed()
    maker = make.user()
    run = running_payouts.open_run(currency="USD", by=maker, at=NOON)

    assert in_a_process(run_due_jobs, place, call) == DIED
    recover()
    running_payouts.close_run(run=run, by=maker, at=NOON)
    running_payouts.approve_run(run=run, by=make.user(), at=NOON)
    make.drain()

    require_paid_once([4000, 5000])


@pytest.mark.parametrize(
    ("place", "call"),
    [
        ("payouts.services.sending.start_run", 1),  # before the first claim
        ("payouts.services.sending.mark_sending", 1),  # inside the claim
        ("payouts.services.sending.deliver", 1),  # between claim and call
        ("payouts.services.sending.outcomes.succeed", 1),  # between call and record
        ("payouts.services.outcomes.ledger.post", 1),  # in the record, attempt written
        ("payouts.services.outcomes.note", 1),  # in the record, posting written
        ("payouts.services.sending.deliver", 2),  # between two payouts
        ("payouts.services.sending.finish_run", 1),  # after the last record
        ("marketplace.jobs.services.leases.finish", 1),  # the run done, and the job not
    ],
)
def test_a_process_that_dies_while_it_sends(place: str, call: int) -> None:
    two_experts_are_owed()
    make.approved_run()

    assert in_a_process(run_due_jobs, place, call) == DIED
    recover()

    require_paid_once([4000, 5000])


@pytest.mark.parametrize(
    "place",
    [
        "payouts.services.sending.outcomes.forget_answer",  # no answer, and no time to say so
        "payouts.services.sweeping.mark_sending",  # inside the second claim
        "payouts.services.sweeping.deliver",  # between second claim and call
        "payouts.services.sending.outcomes.succeed",  # the replayed answer is lost as well
        "payouts.services.sweeping.finish_run",  # after the record
    ],
)
def test_a_process_that_dies_over_an_unknown_payout(place: str) -> None:
    two_experts_are_owed()
    make.fault("time_out_after")
    run = make.approved_run()

    def send_and_sweep() -> None:  # before any message of Stripe is answered
        sending.send_some(run_id=run.id, at=clock.now())
        PayoutAttempt.objects.filter(state="unknown").update(next_try_at=NOON)
        sweeping.sweep_attempts(at=clock.now())

    assert in_a_process(send_and_sweep, place, 2 if "succeed" in place else 1) == DIED
    recover()

    require_paid_once([4000, 5000])


def test_a_process_that_dies_between_the_answer_and_its_record_sends_the_same_bytes() -> None:
    make.owed(5000)
    make.drain()
    make.approved_run()
    before = PayoutAttempt.objects.get()

    assert in_a_process(run_due_jobs, "payouts.services.sending.outcomes.succeed") == DIED
    sweeping.sweep_attempts(at=clock.now() + timedelta(minutes=5))

    after = PayoutAttempt.objects.get()
    assert (after.key, after.request, after.sends) == (before.key, before.request, 2)
    assert (after.state, make.transfers()) == ("succeeded", [5000])
