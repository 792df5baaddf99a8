"""A kind whose body each test writes, and no ticks but the sweeper's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.jobs import kinds


@pytest.fixture(autouse=True)
def only_these_jobs(settings: Settings) -> Iterator[None]:
    settings.JOBS_TICKS = {"jobs.sweep": 5}
    settings.JOBS_SCHEDULE = {}
    kinds.reset()
    yield
    kinds.reset()
