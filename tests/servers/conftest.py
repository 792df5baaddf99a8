"""Servers of a test's own, made and ended with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace.kit.servers.stack import Stack

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs as somebody else")


@pytest.fixture
def stack(instance_home: Path) -> Iterator[Stack]:
    """Both servers of an empty folder, not started."""
    made = Stack.for_tests(instance_home, {})
    yield made
    made.down()
