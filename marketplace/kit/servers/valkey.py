"""The built-in Valkey of one folder: a doorbell and a cache, nothing that matters is in it."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

from marketplace.kit.servers.binaries import valkey_server
from marketplace.kit.servers.errors import ServerUnavailable
from marketplace.kit.servers.folders import make_folder, make_home, private_mode, valkey_socket
from marketplace.kit.servers.postgres import keep_log_small
from marketplace.kit.servers.processes import end, every, run_program, works_in

logger = logging.getLogger(__name__)

KEPT: Mapping[str, str] = {"appendonly": "yes", "appendfsync": "everysec"}
FORGETFUL: Mapping[str, str] = {"appendonly": "no"}
PRIVATE: Mapping[str, str] = {
    "port": "0",
    "unixsocketperm": "700",
    "save": '""',
    "maxmemory-policy": "noeviction",
    "databases": "16",
    "daemonize": "yes",
}


def redis_url(home: Path) -> str:
    """The address of the built-in Valkey, whether or not it runs."""
    return f"unix://{quote(str(valkey_socket(home, os.environ)))}"


@dataclass(frozen=True)
class Valkey:
    """One data folder and its server. Start and stop only under the lock of the stack."""

    home: Path
    persistence: Mapping[str, str]

    @property
    def data(self) -> Path:
        """The data folder; also the server's working folder, by which it is known."""
        return self.home / "kv"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / "logs/valkey.log"

    @property
    def socket(self) -> Path:
        """The socket."""
        return valkey_socket(self.home, os.environ)

    def answers(self) -> bool:
        """Whether the server answers a PING, its data loaded. Its pid file is never asked."""
        for _ in range(600):
            said = self._say("PING")
            if not said.startswith("-LOADING"):
                break
            time.sleep(0.05)
        return said.startswith("+PONG")

    def facts(self) -> dict[str, str]:
        """What `INFO server` tells: valkey_version, process_id and more; empty when it is down."""
        lines = (line.partition(":") for line in self._say("INFO server").splitlines())
        return {name: value for name, colon, value in lines if colon}

    def start(self) -> None:
        """Have the server running and answering; data it cannot read is set aside."""
        if self.answers():
            return
        make_home(self.home)
        make_folder(self.data, mode=0o700)
        make_folder(self.socket.parent, mode=private_mode())
        self._end_unreachable()
        if not self._launch():
            self._set_data_aside()
            if not self._launch():
                raise ServerUnavailable(f"Valkey did not start: {self._last_words()}")

    def stop(self) -> None:
        """End the server after it wrote what it holds."""
        end(list(every(self._is_ours)), seconds=10)
        self.socket.unlink(missing_ok=True)

    def _is_ours(self, process: psutil.Process) -> bool:
        return works_in(process, self.data, program="valkey-server")

    def _end_unreachable(self) -> None:
        """Two servers must never write one file: one that does not answer is ended first."""
        end(list(every(self._is_ours)), seconds=1)
        self.socket.unlink(missing_ok=True)

    def _launch(self) -> bool:
        keep_log_small(self.log)
        done = run_program([str(valkey_server()), "-"], handed=self._configuration())
        deadline = time.monotonic() + 30
        while done.returncode == 0 and time.monotonic() < deadline:
            if self.answers():
                return True
            if not any(every(self._is_ours)):
                break
            time.sleep(0.05)
        return self.answers()

    def _configuration(self) -> str:
        places = {
            "dir": _quoted(self.data),
            "logfile": _quoted(self.log),
            "pidfile": _quoted(self.home / "run/valkey.pid"),
            "unixsocket": _quoted(self.socket),
        }
        lines = {**PRIVATE, **self.persistence, **places}
        return "".join(f"{name} {value}\n" for name, value in lines.items())

    def _set_data_aside(self) -> None:
        broken = self.data / "appendonlydir"
        if broken.exists():
            aside = self.data / f"broken-{time.monotonic_ns()}"
            broken.rename(aside)
            logger.warning(
                "Valkey could not read its data and starts empty", extra={"aside": str(aside)}
            )

    def _last_words(self) -> str:
        said = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return said[-1] if said else "it said nothing."

    def _say(self, line: str) -> str:
        """Send one command; what came back, or nothing."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
                link.settimeout(2)
                link.connect(str(self.socket))
                link.sendall(f"{line}\r\n".encode())
                return link.recv(65536).decode()
        except OSError:
            return ""


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
