"""Noon, and only the money's ticks, for the pages of staff."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.jobs import kinds
from tests.make import NOON


@pytest.fixture(autouse=True)
def quiet_noon(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[None]:
    monkeypatch.setattr("marketplace.kit.clock.now", lambda: NOON)
    settings.JOBS_TICKS = {"payouts.post_earnings": 2}
    settings.JOBS_SCHEDULE = {}
    settings.PAYOUT_RATE_PER_S = 0
    settings.PAYOUT_MINIMUM = {"USD": 1000}
    kinds.reset()
    yield
    kinds.reset()
