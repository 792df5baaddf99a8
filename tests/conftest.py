"""What every test shares: the end of the servers that tests/settings.py started."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from marketplace.kit.servers.folders import make_folder, private_mode, short_hash
from tests.fuzz import TIMES
from tests.servers.run import leave_the_run


def pytest_report_header() -> str:
    """How many examples the generating tests try."""
    return f"examples: {TIMES} × the usual"


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that claimed the run stops its servers; workers of the run only joined."""
    leave_the_run(os.environ)


@pytest.fixture
def instance_home(request: pytest.FixtureRequest) -> Iterator[Path]:
    """An empty folder for an instance; tmp_path is closed to the user PostgreSQL runs as."""
    home: Path = settings.DATA_DIR / "homes" / short_hash(request.node.nodeid)
    make_folder(home.parent, mode=private_mode())
    shutil.rmtree(home, ignore_errors=True)
    make_folder(home, mode=private_mode())
    yield home
    shutil.rmtree(home, ignore_errors=True)
