"""One world for all faults; each test gets it empty, with workers and beat running."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings as django_settings
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from marketplace.celery import app
from marketplace.jobs import gateways
from marketplace.kit.servers.folders import make_folder, private_mode
from tests.chaos.world.queues import QUEUES
from tests.chaos.world.world import World, connected_to
from tests.jobs.bell import reconnect_to


@pytest.fixture(scope="session")
def built() -> Iterator[World]:
    home = django_settings.DATA_DIR / "homes" / "chaos"
    make_folder(home.parent, mode=private_mode())
    shutil.rmtree(home, ignore_errors=True)
    make_folder(home, mode=private_mode())
    fresh = World(home)
    try:
        fresh.build()
        yield fresh
    finally:
        fresh.stop()
        fresh.stack.down()


@pytest.fixture
def world(
    built: World,
    django_db_blocker: DjangoDbBlocker,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """Running, and this process enqueues into it and rings its broker."""
    settings.JOBS_BELL = True
    settings.JOB_QUEUES = QUEUES
    monkeypatch.setattr(gateways.bell, "_silent_until", 0.0)
    before = app.conf.broker_url
    built.stack.up()
    with django_db_blocker.unblock(), connected_to(built.home):
        built.empty()
        assert built.stack.broker is not None
        reconnect_to(f"redis+socket://{built.stack.broker.socket}?virtual_host=0")
        try:
            built.start()
            yield built
        finally:
            built.stop()
            reconnect_to(before)
