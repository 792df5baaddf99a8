"""Only the money's own ticks, no pauses between calls."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings


@pytest.fixture(autouse=True)
def only_money(settings: Settings) -> None:
    settings.JOBS_TICKS = {"payouts.post_earnings": 2, "payouts.sweep_attempts": 60}
    settings.JOBS_SCHEDULE = {}
    settings.PAYOUT_RATE_PER_S = 0
    settings.PAYOUT_MINIMUM = {"USD": 1000}
