"""Pages of clients at noon, without a second factor, as in a demo."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from tests.make import NOON


@pytest.fixture(autouse=True)
def demo_at_noon(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEMO = True
    monkeypatch.setattr("marketplace.kit.clock.now", lambda: NOON)
