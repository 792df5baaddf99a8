"""T11: kill -9 of each process, then up again; backup, then restore."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from marketplace.kit.servers.folders import make_folder, private_mode, restoring_marker
from marketplace.kit.servers.processes import marked
from marketplace.kit.servers.stack import database_url
from tests.chaos.instance import Instance
from tests.servers.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.xdist_group("restart")]

LIMIT = 15.0  # seconds from `up` to a ready site
ROLES = {"web", "worker", "bulk", "beat"}
SOMETHING_HAPPENS = """
from uuid import UUID
from django.db import transaction
from marketplace.events.services.recording import record
from marketplace.kit import clock
from marketplace.kit.money import Money
from payouts.services.accounts import account
from payouts.services.ledger import Leg, post
moved = Money(12345, "USD")
with transaction.atomic():
    at = clock.now()
    bank = account("platform_bank", currency="USD")
    clearing = account("psp_clearing", currency="USD")
    legs = [Leg.debit(bank, moved), Leg.credit(clearing, moved)]
    post(key="T11", kind="treasury_moved", currency="USD", legs=legs, effective_at=at)
    record("treasury.moved", at=at, object_kind="posting", object_id=UUID(int=11))
"""


def new_home(name: str) -> Path:
    home: Path = settings.DATA_DIR / "homes" / name
    shutil.rmtree(home, ignore_errors=True)
    make_folder(home.parent, mode=private_mode())
    make_folder(home, mode=private_mode())
    return home


@pytest.fixture(scope="module")
def started() -> Iterator[Instance]:
    """One instance for all kills: its first migration is the slow part."""
    made = Instance(new_home("restart"))
    try:
        made.up()
        yield made
    finally:
        made.clear()
        shutil.rmtree(made.home, ignore_errors=True)


@pytest.fixture
def instance(started: Instance) -> Instance:
    """The instance, running."""
    if started.supervisor is None or started.supervisor.poll() is not None:
        started.up()
    return started


def write_down(instance: Instance) -> int:
    """Commit one more row; how many there are."""
    with psycopg.connect(database_url(instance.home), autocommit=True) as link:
        link.execute("CREATE TABLE IF NOT EXISTS probe (n int)")
        link.execute("INSERT INTO probe VALUES (1)")
    return rows(instance)


def rows(instance: Instance) -> int:
    with psycopg.connect(database_url(instance.home)) as link:
        found = link.execute("SELECT count(*) FROM probe").fetchone()
    assert found is not None
    return int(found[0])


def stop_and_find_nothing_left(instance: Instance) -> None:
    assert instance.stop() == 0
    assert marked(instance.home) == []
    assert [server.pid for server in instance.stack.status()] == [None, None]


def test_a_killed_supervisor_leaves_no_orphan_and_no_loss(instance: Instance) -> None:
    written = write_down(instance)
    before = instance.roles()
    instance.kill_supervisor()

    took = instance.up()

    until(lambda: instance.roles().keys() == ROLES)
    assert took < LIMIT
    assert rows(instance) == written
    assert set(before.values()).isdisjoint(process.pid for process in marked(instance.home))


def kill_database(instance: Instance) -> Callable[[], bool]:
    assert instance.stack.database is not None
    before = instance.stack.database.pid()
    os.kill(before or 0, signal.SIGKILL)
    return lambda: (
        instance.stack.database is not None
        and (instance.stack.database.pid() not in {None, before})
    )


def kill_broker(instance: Instance) -> Callable[[], bool]:
    assert instance.stack.broker is not None
    before = instance.stack.broker.facts()["process_id"]
    os.kill(int(before), signal.SIGKILL)
    return lambda: (
        instance.stack.broker is not None
        and (instance.stack.broker.facts().get("process_id", before) != before)
    )


def kill_worker(instance: Instance) -> Callable[[], bool]:
    until(lambda: instance.roles().keys() == ROLES)
    before = instance.roles()["worker"]
    os.kill(before, signal.SIGKILL)
    return lambda: instance.roles().get("worker", before) != before


KILLS = [kill_database, kill_broker, kill_worker]


@pytest.mark.parametrize("kill", KILLS)
def test_a_killed_process_comes_back_by_itself(
    instance: Instance, kill: Callable[[Instance], Callable[[], bool]]
) -> None:
    written = write_down(instance)

    is_back = kill(instance)

    until(is_back, seconds=LIMIT)
    until(instance.is_ready, seconds=LIMIT)
    assert rows(instance) == written
    again = instance.manage("up")
    assert again.returncode == 1
    assert "Guildhall is already running here, pid" in again.stderr


def test_everything_killed_at_once_comes_back_with_up(instance: Instance) -> None:
    written = write_down(instance)
    for kill in KILLS:
        kill(instance)
    instance.kill_supervisor()

    took = instance.up()

    assert took < LIMIT
    assert rows(instance) == written
    until(lambda: instance.roles().keys() == ROLES)
    stop_and_find_nothing_left(instance)


@pytest.fixture
def second() -> Iterator[Instance]:
    """Another, empty instance beside the first, its servers running."""
    made = Instance(new_home("restored"))
    made.stack.up()
    made.stack.ensure_database()
    yield made
    made.clear()
    shutil.rmtree(made.home, ignore_errors=True)


def head(instance: Instance) -> str:
    verified = instance.manage("verify_events")
    assert verified.returncode == 0, verified.stderr
    return verified.stdout


def test_a_restored_instance_equals_the_one_backed_up(
    instance: Instance, second: Instance, tmp_path: Path
) -> None:
    told = instance.manage("shell", "-c", SOMETHING_HAPPENS)
    assert told.returncode == 0, told.stderr
    until(lambda: not head(instance).startswith("0 events"))
    for name in ("media/export.jsonl", "credentials/ab/diploma.pdf"):
        (instance.home / name).parent.mkdir(parents=True, exist_ok=True)
        (instance.home / name).write_bytes(b"kept")
    archive = tmp_path / "backup.tar"
    saved = instance.manage("backup", str(archive))
    assert saved.returncode == 0, saved.stderr

    restored = second.manage("restore", str(archive))

    assert restored.returncode == 0, restored.stderr
    assert re.search(r"Restored to .*; all checks passed\.", restored.stdout)
    assert head(second) == head(instance)
    assert (second.home / "media/export.jsonl").read_bytes() == b"kept"
    assert (second.home / "credentials/ab/diploma.pdf").read_bytes() == b"kept"
    assert not restoring_marker(second.home).exists()


def test_a_running_site_goes_back_in_time_only_when_told_to(
    instance: Instance, tmp_path: Path
) -> None:
    archive = str(tmp_path / "backup.tar")
    written = write_down(instance)
    assert instance.manage("backup", archive).returncode == 0
    write_down(instance)

    refused = instance.manage("restore", archive)
    assert refused.returncode == 1
    assert "The database is not empty: add --replace" in refused.stderr
    assert rows(instance) == written + 1

    restored = instance.manage("restore", archive, "--replace")
    assert restored.returncode == 0, restored.stderr
    assert rows(instance) == written
    until(instance.is_ready)
    until(lambda: instance.roles().keys() == ROLES)


def test_the_site_stays_closed_until_what_was_restored_adds_up(
    instance: Instance, tmp_path: Path
) -> None:
    good, forged = str(tmp_path / "good.tar"), str(tmp_path / "forged.tar")
    assert instance.manage("shell", "-c", SOMETHING_HAPPENS).returncode == 0
    assert instance.manage("backup", good).returncode == 0
    with psycopg.connect(database_url(instance.home), autocommit=True) as link:
        link.execute("ALTER TABLE payouts_account DISABLE TRIGGER USER")
        link.execute("UPDATE payouts_account SET debits_minor = debits_minor + 1")
    assert instance.manage("backup", forged).returncode == 0

    refused = instance.manage("restore", forged, "--replace")

    assert refused.returncode == 1
    assert "The site stays closed." in refused.stderr
    assert [instance.status(path) for path in ("/readyz", "/", "/healthz")] == [503, 503, 200]
    assert marked(instance.home, ["worker", "bulk", "beat"]) == []
    assert instance.manage("restore", good, "--replace").returncode == 0
    assert instance.status("/readyz") == 200
