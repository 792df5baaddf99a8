from __future__ import annotations

import pytest
from celery import shared_task
from pytest_django.fixtures import Settings

from marketplace.jobs.gateways import function_of
from marketplace.jobs.services import ticking
from marketplace.jobs.services.running import run_due_jobs
from marketplace.jobs.services.ticking import run_tick, run_ticks

ticked: list[str] = []


@shared_task(name="tests.tick", queue="default")
def tick() -> None:
    ticked.append("tick")


@shared_task(name="tests.broken_tick", queue="default")
def broken_tick() -> None:
    ticked.append("broken")
    raise ZeroDivisionError


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    ticked.clear()
    monkeypatch.setattr(ticking, "_last_run", {})


def test_ticks_that_piled_up_run_once(settings: Settings) -> None:
    settings.JOBS_TICKS = {"tests.tick": 60}

    for _ in range(100):
        run_tick(name="tests.tick")

    assert ticked == ["tick"]


def test_beat_names_a_tick_and_a_worker_runs_it(settings: Settings) -> None:
    settings.JOBS_TICKS = {"tests.tick": 60}

    function_of("jobs.tick")("tests.tick")

    assert ticked == ["tick"]


def test_a_tick_runs_again_after_half_its_period(settings: Settings) -> None:
    settings.JOBS_TICKS = {"tests.tick": 0}

    run_tick(name="tests.tick")
    run_tick(name="tests.tick")

    assert ticked == ["tick", "tick"]


def test_a_broken_tick_stops_no_other_and_is_told(settings: Settings) -> None:
    settings.JOBS_TICKS = {"tests.broken_tick": 1, "tests.tick": 1}

    with pytest.raises(ExceptionGroup) as failure:
        run_ticks()

    assert ticked == ["broken", "tick"]
    assert [type(error) for error in failure.value.exceptions] == [ZeroDivisionError]


@pytest.mark.django_db
def test_due_jobs_come_with_the_ticks(settings: Settings) -> None:
    settings.JOBS_TICKS = {"tests.tick": 60, "payouts.of_tomorrow": 1}

    run_due_jobs()

    assert ticked == ["tick"]
