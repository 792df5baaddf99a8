"""The whole worker is killed (kill -9) at every point at which one may die while it pays.

`make chaos` runs this file: a worker takes seconds to start. The suite kills a forked child.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection
from pytest_django.fixtures import Settings

from marketplace.celery import app
from marketplace.jobs.models import Job
from marketplace.jobs.services.sweeping import sweep
from marketplace.kit.servers.stack import database_url
from payouts.models import PayoutAttempt
from tests.payouts import crashing, make
from tests.payouts.dying import OVER_AN_UNKNOWN_PAYOUT, WHILE_IT_RESERVES, WHILE_IT_SENDS, Death
from tests.servers.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
WORKER = ["celery", "-A", "tests.payouts.dying_worker", "worker", "-c", "1", "-Q", "money,default"]
QUIET = ["--without-gossip", "--without-mingle", "--loglevel=ERROR"]


@pytest.fixture(autouse=True)
def ring(settings: Settings) -> None:
    settings.JOBS_BELL = True


@contextmanager
def worker(death: Death) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker on this test's database and broker, killed there or at the end."""
    database = database_url(settings.DATA_DIR, connection.settings_dict["NAME"])
    armed = {
        "DATABASE_URL": database,
        "PGAPPNAME": crashing.DYING,
        "DIE_AT": f"{death.place}:{death.call}",
    }
    running = subprocess.Popen(
        [sys.executable, "-W", "ignore:You're running the worker", "-m", *WORKER, *QUIET],
        cwd=settings.BASE_DIR,
        env=os.environ | armed,
        start_new_session=True,
    )
    try:
        yield running
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def runs_jobs(death: Death) -> None:
    with worker(death) as running:
        assert sweep() >= 1
        require_killed(running)


def sends_and_sweeps(death: Death) -> None:
    with worker(death) as running:
        assert sweep() >= 1
        until(lambda: running.poll() or has_sent(), seconds=60)
        if running.poll() is None:
            crashing.sweep_at_once()
            app.send_task("jobs.tick", args=["payouts.sweep_attempts"], queue="money")
        require_killed(running)


def require_killed(running: subprocess.Popen[bytes]) -> None:
    assert running.wait(60) == -signal.SIGKILL
    crashing.await_its_end()


def has_sent() -> bool:
    waiting = Job.objects.filter(kind="payouts.send_some").exclude(state="done")
    return PayoutAttempt.objects.filter(state="unknown").exists() and not waiting.exists()


@pytest.mark.parametrize("death", WHILE_IT_RESERVES, ids=str)
def test_a_worker_killed_while_it_reserves(death: Death) -> None:
    crashing.dies_while_it_reserves(death, runs_jobs)

    assert sorted(make.transfers()) == [4000, 5000]


@pytest.mark.parametrize("death", WHILE_IT_SENDS, ids=str)
def test_a_worker_killed_while_it_sends(death: Death) -> None:
    crashing.dies_while_it_sends(death, runs_jobs)

    assert sorted(make.transfers()) == [4000, 5000]


@pytest.mark.parametrize("death", OVER_AN_UNKNOWN_PAYOUT, ids=str)
def test_a_worker_killed_over_an_unknown_payout(death: Death) -> None:
    crashing.dies_over_an_unknown_payout(death, sends_and_sweeps)

    assert sorted(make.transfers()) == [4000, 5000]
