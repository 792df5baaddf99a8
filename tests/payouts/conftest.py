from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from tests.payouts.calm import CALM


@pytest.fixture(autouse=True)
def only_money(settings: Settings) -> None:
    for name, value in CALM.items():
        setattr(settings, name, value)
