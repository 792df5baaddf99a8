"""One `up` per instance, and one port for each."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from marketplace.kit.servers.errors import AlreadyRunning, ServerUnavailable
from marketplace.kit.servers.folders import make_home, open_private

HOST = "127.0.0.1"
PORTS = range(8000, 8020)


@contextmanager
def claimed(home: Path) -> Iterator[IO[str]]:
    """Be the one supervisor of an instance, until the end of the process at the latest.

    Raises AlreadyRunning with the pid and the address of the other.
    """
    make_home(home)
    with open_private(home / "run/up.lock") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _already_running(file) from None
        write_claim(file, "starting")
        yield file


def write_claim(file: IO[str], address: str) -> None:
    """Tell a second `up` where this one is."""
    file.truncate(0)
    file.write(f"{os.getpid()} {address}\n")
    file.flush()


def _already_running(file: IO[str]) -> AlreadyRunning:
    file.seek(0)
    pid, _, address = file.read().strip().partition(" ")
    return AlreadyRunning(
        f"Guildhall is already running here, pid {pid}, {address}", pid=pid, address=address
    )


def listen(port: int | None) -> socket.socket:
    """A listening socket on this port, or on the first free one of 8000 to 8019.

    Whoever holds the socket holds the port: two checkouts that start at once get two.
    """
    for number in PORTS if port is None else [port]:
        link = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            link.bind((HOST, number))
            link.listen(1024)
        except OSError:
            link.close()
        else:
            return link
    taken = f"Port {port} is" if port is not None else f"Ports {PORTS[0]} to {PORTS[-1]} are all"
    raise ServerUnavailable(f"{taken} taken: free it, or choose another with --port.")


def address_of(link: socket.socket) -> str:
    """The address of a listening socket, as a person types it."""
    return f"http://{HOST}:{link.getsockname()[1]}"


def answers_http(link: socket.socket) -> bool:
    """Whether somebody answers HTTP on this listening socket."""
    try:
        with socket.create_connection(link.getsockname(), timeout=1) as asker:
            asker.sendall(b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            return asker.recv(5) == b"HTTP/"
    except OSError:
        return False
