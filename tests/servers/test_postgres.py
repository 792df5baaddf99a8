"""Each sharp edge of running a PostgreSQL of one's own, with a real server."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest

from marketplace.kit.servers import folders
from marketplace.kit.servers.errors import ServerUnavailable
from marketplace.kit.servers.postgres import DURABLE, Postgres, clean_environment, reason
from marketplace.kit.servers.stack import Stack, database_url


def ask(home: Path, question: str) -> object:
    with psycopg.connect(database_url(home, "postgres"), autocommit=True) as link:
        row = link.execute(question).fetchone()
    return row[0] if row else None


@pytest.fixture
def server(stack: Stack) -> Postgres:
    assert stack.database is not None
    Stack(home=stack.home, database=stack.database, broker=None).up()
    return stack.database


def test_a_reused_pid_is_never_taken_for_the_server(server: Postgres) -> None:
    server.stop()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        (server.data / "postmaster.pid").write_text(f"{stranger.pid}\n{server.data}\n")
        (server.socket_dir / ".s.PGSQL.5432.lock").write_text(f"{stranger.pid}\n")

        assert server.pid() is None
        server.stop()
        server.start()

        assert stranger.poll() is None
        assert server.pid() not in {None, stranger.pid}
        stranger.kill()


def test_a_zombie_is_not_the_server(server: Postgres) -> None:
    server.stop()
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
        (server.data / "postmaster.pid").write_text(f"{dead.pid}\n{server.data}\n")

        server.start()

        assert server.answers()


def test_the_server_of_another_folder_is_not_ours(server: Postgres) -> None:
    other = Postgres(server.home / "other", server.durability)
    other.data.mkdir(parents=True)
    (other.data / "postmaster.pid").write_text(f"{server.pid()}\n")

    assert other.pid() is None


def test_it_starts_right_after_a_kill_while_orphans_still_end(instance_home: Path) -> None:
    server = Postgres(instance_home, DURABLE)
    server.start()
    busy = psycopg.connect(database_url(server.home, "postgres"), autocommit=True)
    busy.execute("CREATE TABLE kept AS SELECT 7 AS n")
    with ThreadPoolExecutor() as threads:
        sleeping = threads.submit(busy.execute, "SELECT pg_sleep(2)")
        os.kill(server.pid() or 0, signal.SIGKILL)

        server.start()

        assert ask(server.home, "SELECT n FROM kept") == 7
        assert sleeping.exception() is not None
    server.stop()


def test_two_starters_at_once_make_one_server(stack: Stack) -> None:
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda _: Stack.for_tests(stack.home, {}).up(), range(3)))

    assert stack.database is not None
    running = [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(stack.database.data) in (process.info["cmdline"] or [])
    ]
    assert len(running) == 1


def test_a_caller_with_another_locale_gets_the_same_database(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "C")
    monkeypatch.setenv("LC_ALL", "POSIX")
    stack.up()

    assert ask(stack.home, "SELECT lower('É')") == "é"
    assert ask(stack.home, "SHOW server_encoding") == "UTF8"


def test_variables_of_the_caller_do_not_send_the_programs_elsewhere() -> None:
    environ = clean_environment({"PGHOST": "elsewhere", "PGDATA": "/x", "HOME": "/home/ada"})

    assert environ == {"HOME": "/home/ada", "LC_ALL": "C"}


def test_no_door_is_open_but_the_socket(server: Postgres) -> None:
    assert ask(server.home, "SHOW listen_addresses") == ""
    listening = psutil.Process(server.pid()).net_connections("tcp")
    assert listening == []
    others = stat.S_IMODE(server.socket_dir.stat().st_mode) & 0o066
    assert others == 0


def test_an_interrupted_first_start_leaves_no_half_cluster(stack: Stack) -> None:
    half = stack.home / "pg.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    stack.up()

    assert ask(stack.home, "SELECT 1") == 1
    assert not half.exists()


def test_a_folder_of_another_major_version_is_refused(server: Postgres) -> None:
    server.stop()
    (server.data / "PG_VERSION").write_text("16\n")

    with pytest.raises(ServerUnavailable, match="made by PostgreSQL 16; dump it with the old"):
        server.start()


def test_only_the_test_servers_may_forget(server: Postgres, stack: Stack) -> None:
    assert ask(server.home, "SHOW fsync") == "off"
    server.stop()
    durable = Postgres(server.home, DURABLE)
    durable.start()

    found = [ask(server.home, f"SHOW {name}") for name in DURABLE]

    assert found == ["on", "on", "on"]


def test_a_long_or_odd_path_gets_its_sockets_elsewhere(instance_home: Path) -> None:
    home = instance_home / ("a,b c" + "x" * 90)
    stack = Stack.for_tests(home, {})
    try:
        stack.up()

        assert ask(home, "SELECT 1") == 1
        assert stack.is_up()
        place = folders.runtime_dir(home, os.environ)
        assert place.name == f"guildhall-{os.geteuid()}-{folders.short_hash(str(home))}"
        assert stat.S_IMODE(place.stat().st_mode) & 0o066 == 0
    finally:
        stack.down()
        shutil.rmtree(folders.runtime_dir(home, os.environ), ignore_errors=True)


def test_a_socket_folder_that_is_not_ours_is_refused(
    instance_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = instance_home / ("x" * 90)
    monkeypatch.setattr(tempfile, "tempdir", str(instance_home))
    environ: dict[str, str] = {}
    place = folders.runtime_dir(home, environ)
    place.symlink_to(instance_home)

    with pytest.raises(ServerUnavailable, match="sockets are not private: remove it"):
        folders.runtime_dir(home, environ)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("x\n2026 FATAL:  could not: No space left on device\n", "the disk that holds /d is full."),
        ("initdb: error: could not open: Permission denied\n", "no permission to write /d."),
        ("LOG: a\n2026 [1] FATAL:  data is broken\nHINT: b\n", "data is broken"),
        ("", "it said nothing."),
    ],
)
def test_a_failed_start_is_told_in_one_sentence(said: str, told: str) -> None:
    assert reason(said, Path("/d")) == told
