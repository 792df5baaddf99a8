"""Each sharp edge of running a Valkey of one's own, with a real server."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from marketplace.kit.servers.stack import Stack, redis_url
from marketplace.kit.servers.valkey import KEPT, Valkey


@pytest.fixture
def server(instance_home: Path) -> Iterator[Valkey]:
    made = Valkey(instance_home, KEPT)
    made.start()
    yield made
    made.stop()


def client(server: Valkey) -> Redis:
    return Redis.from_url(redis_url(server.home))


def pid_of(server: Valkey) -> int:
    return int(server.facts()["process_id"])


def test_what_it_confirmed_survives_a_kill(server: Valkey) -> None:
    with client(server) as link:
        link.set("bell", "rung")
    os.kill(pid_of(server), signal.SIGKILL)

    server.start()

    with client(server) as link:
        assert link.get("bell") == b"rung"


def test_a_stale_pid_file_means_nothing(server: Valkey) -> None:
    server.stop()
    (server.home / "run/valkey.pid").write_text(f"{os.getpid()}\n")

    server.start()

    assert server.answers()
    assert pid_of(server) != os.getpid()


def test_a_stale_socket_is_removed(server: Valkey) -> None:
    server.stop()
    with socket.socket(socket.AF_UNIX) as abandoned:
        abandoned.bind(str(server.socket))

    server.start()

    assert server.answers()


def test_a_server_that_no_longer_answers_is_replaced(server: Valkey) -> None:
    frozen = pid_of(server)
    os.kill(frozen, signal.SIGSTOP)

    server.start()

    assert pid_of(server) != frozen


def test_a_server_whose_socket_was_deleted_is_replaced(server: Valkey) -> None:
    lost = pid_of(server)
    server.socket.unlink()

    server.start()

    assert pid_of(server) != lost


def test_broken_data_is_set_aside_and_it_starts(
    server: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    server.stop()
    for log in (server.data / "appendonlydir").glob("*.incr.aof"):
        log.write_bytes(b"not what it wrote")

    server.start()

    assert server.answers()
    assert len(list(server.data.glob("broken-*"))) == 1
    assert "starts empty" in caplog.text


def test_nobody_else_reaches_it_and_nothing_is_evicted(server: Valkey) -> None:
    with client(server) as link:
        wanted = ["port", "maxmemory-policy", "appendonly", "appendfsync", "save", "databases"]
        found = {name: link.config_get(name)[name] for name in wanted}
    assert found == {
        "port": "0",
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "databases": "16",
    }
    assert server.socket.stat().st_mode & 0o777 == 0o700


def test_stopping_twice_is_harmless(server: Valkey) -> None:
    server.stop()
    server.stop()

    assert server.facts() == {}


def test_servers_that_the_environment_names_are_left_alone(instance_home: Path) -> None:
    environ = {"DATABASE_URL": "postgresql://db.example/guildhall", "REDIS_URL": "redis://r"}
    stack = Stack.durable(instance_home, environ)

    stack.up()
    stack.ensure_database()
    stack.down()

    assert stack.status() == []
    assert stack.is_up()
    assert list(instance_home.iterdir()) == []
