"""Every route × method × role is as access_matrix.toml says; a route that it lacks fails.

`make matrix` writes the file anew; read the difference before you keep it.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests.architecture.matrix import as_toml, matrix_of
from tests.browser.world import build_world

FILE = Path(__file__).with_name("access_matrix.toml")

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(300)]


def test_every_route_opens_to_the_roles_of_the_matrix_and_to_no_other(settings: Settings) -> None:
    settings.DEMO = True  # the second factor has its own tests
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_CLASSES": []}
    table = matrix_of(build_world())
    if os.environ.get("WRITE_MATRIX"):
        FILE.write_text(as_toml(table), encoding="utf-8")

    assert table == tomllib.loads(FILE.read_text(encoding="utf-8"))
