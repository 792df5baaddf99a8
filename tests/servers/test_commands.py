"""manage.py services, and what the other commands say without a database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.instance import Instance


@pytest.fixture
def instance(instance_home: Path) -> Iterator[Instance]:
    made = Instance(instance_home)
    yield made
    made.clear()


def test_the_servers_alone_go_up_and_down(instance: Instance) -> None:
    up = instance.manage("services", "up")
    assert (up.returncode, up.stdout.count("pid ")) == (0, 2)
    assert instance.manage("services", "status").returncode == 0

    asked = instance.manage("services", "psql", "--", "-Atc", "SELECT current_database()")
    assert asked.stdout == "guildhall\n"

    assert instance.manage("services", "down").returncode == 0
    status = instance.manage("services", "status")
    assert (status.returncode, status.stdout.count("down ")) == (3, 2)


def test_a_command_that_finds_no_database_says_how_to_start_it(instance: Instance) -> None:
    told = instance.manage("verify_events", "--skip-checks")

    assert told.returncode == 1
    assert told.stderr.endswith(
        "The built-in database is not running. Start it with: manage.py services up\n"
    )
    assert "Traceback" not in told.stderr


def test_production_without_a_database_refuses_and_says_what_to_set(instance: Instance) -> None:
    instance.environ["DEBUG"] = "0"

    told = instance.manage("check")

    assert told.returncode == 1
    assert told.stderr == (
        "Set DATABASE_URL to your PostgreSQL, for example"
        " postgresql://user:password@host/guildhall, or EMBEDDED=1 to use the built-in server.\n"
    )
