"""How many examples the generating tests try: FUZZ=20 tries twenty times as many, drawn anew."""

from __future__ import annotations

import os

from hypothesis import settings

TIMES = int(os.environ.get("FUZZ", "1"))
IS_FUZZING = TIMES > 1


def profile(*, examples: int) -> settings:
    """The settings of a test that tries so many examples in the suite, always the same ones."""
    return settings(
        max_examples=examples * TIMES, derandomize=not IS_FUZZING, deadline=None, database=None
    )


if IS_FUZZING:  # also for tests that name no profile
    settings.register_profile("fuzz", profile(examples=100))
    settings.load_profile("fuzz")
