"""The required figures of QUALITY §15 that need no development data."""

from __future__ import annotations

from functools import partial

import pytest

from benchmarks import quality_figures as figures
from tests.quality.test_figures import mean

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("clickers", "tau", "log_loss"), [(0.2, 0.88, 0.950), (0.4, 0.85, 0.985)])
def test_preferences_with_random_clickers(clickers: float, tau: float, log_loss: float) -> None:
    found = mean(partial(figures.preference_figures, clickers=clickers), 10)

    assert found[0] >= tau
    assert found[1] <= log_loss
    assert found[2] >= 0.97
    assert found[3] == pytest.approx(0.2, abs=0.1)


def test_ability_with_known_parameters() -> None:
    used, wrong, unqualified_passed, _ = mean(partial(figures.ability_figures, candidates=200), 2)

    assert used <= 15.0
    assert wrong <= 0.13
    assert unqualified_passed <= 0.08
