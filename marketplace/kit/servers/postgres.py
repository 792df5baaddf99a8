"""The built-in PostgreSQL of one folder: made, started, checked and stopped by its own programs."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from marketplace.kit.servers.accounts import Account, owner_name, postgres_account
from marketplace.kit.servers.binaries import postgres_tools
from marketplace.kit.servers.errors import ServerUnavailable
from marketplace.kit.servers.folders import (
    POSTGRES_SOCKET,
    make_folder,
    make_home,
    postgres_password,
    postgres_socket_dir,
    private_mode,
)
from marketplace.kit.servers.processes import is_postmaster, living, pid_in, run_program

logger = logging.getLogger(__name__)

MAJOR = "18"
USER = "guildhall"
TRIES = 60  # of half a second, while orphans of a killed server end
DURABLE: Mapping[str, str] = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
FORGETFUL: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
}
PRIVATE: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "logging_collector": "off",
}


def database_url(home: Path, name: str = "guildhall") -> str:
    """The address of a database of the built-in server, whether or not it runs."""
    login = USER
    if postgres_account(os.environ):
        login += f":{quote(postgres_password(home), safe='')}"
    folder = quote(str(postgres_socket_dir(home, os.environ)), safe="")
    return f"postgresql://{login}@/{quote(name, safe='')}?host={folder}"


@dataclass(frozen=True)
class Postgres:
    """One data folder and its server. Start and stop only under the lock of the stack."""

    home: Path
    durability: Mapping[str, str]

    @property
    def data(self) -> Path:
        """The data folder, owned by the user the server runs as."""
        return self.home / "pg"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / "logs/postgres.log"

    @property
    def socket_dir(self) -> Path:
        """The folder of the socket."""
        return postgres_socket_dir(self.home, os.environ)

    @property
    def account(self) -> Account | None:
        """Who it runs as, where that is not the caller."""
        return postgres_account(os.environ)

    def pid(self) -> int | None:
        """The server's pid, verified to be the server of this very data folder."""
        process = living(pid_in(self.data / "postmaster.pid"))
        return process.pid if process and is_postmaster(process, self.data) else None

    def start(self) -> None:
        """Have the server running and answering; makes the data folder the first time."""
        self._refuse_closed_folders()
        for _ in range(3):  # a server that was just killed may look alive for a moment
            if self.pid() is None:
                self._make_places()
                if not self.data.exists():
                    self._make_cluster()
                self._refuse_foreign_data()
                self._launch()
            if self._answers_soon():
                return
        raise ServerUnavailable(f"PostgreSQL does not answer; {self.log} says why.")

    def stop(self) -> None:
        """End the server, rolling back what is open; it takes a moment, never a client's word."""
        if self.pid() is None:
            return
        done = self._tool("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w", "-t", "60")
        if done.returncode != 0 and self.pid() is not None:
            self._tool("pg_ctl", "stop", "-D", str(self.data), "-m", "immediate", "-w", "-t", "30")

    def version(self) -> str:
        """The release of the programs, as 18.4."""
        return self._tool("postgres", "--version").stdout.split()[-1]

    def answers(self) -> bool:
        """Whether the server takes connections."""
        return self._tool("pg_isready", "-q", "-t", "5", "-h", str(self.socket_dir)).returncode == 0

    def _tool(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        account = self.account
        return run_program(
            [str(postgres_tools(account) / name), *words],
            environ=clean_environment(os.environ),
            account=account,
        )

    def _refuse_closed_folders(self) -> None:
        account = self.account
        closed = account.closed_folder(self.home) if account else None
        if account and closed:
            raise ServerUnavailable(
                f"PostgreSQL runs as {account.name}, who may not enter {closed}: "
                f"open that folder, or set DATA_DIR to another."
            )

    def _refuse_foreign_data(self) -> None:
        wanted = self.account.uid if self.account else os.geteuid()
        if self.data.stat().st_uid != wanted:
            raise ServerUnavailable(
                f"{self.data} belongs to {owner_name(self.data)}: run as that user"
                f"{' or set PG_OS_USER to it' if self.account else ''}, or set another DATA_DIR."
            )
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != MAJOR:
            raise ServerUnavailable(
                f"{self.data} was made by PostgreSQL {made_by}; "
                f"dump it with the old version, then restore."
            )

    def _make_places(self) -> None:
        make_home(self.home)
        make_folder(self.socket_dir.parent, mode=private_mode())
        self._make_own_folder(self.socket_dir, mode=0o711 if self.account else 0o700)
        keep_log_small(self.log)
        self.log.touch(mode=0o600)
        self._give(self.log)

    def _make_own_folder(self, path: Path, *, mode: int) -> None:
        if not path.exists():
            make_folder(path, mode=mode)
            self._give(path)

    def _give(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def _make_cluster(self) -> None:
        """Make the data folder under another name first: an interrupted start leaves no half."""
        draft = self.data.with_name("pg.new")
        shutil.rmtree(draft, ignore_errors=True)
        self._make_own_folder(draft, mode=0o700)
        words = ["-D", str(draft), "-U", USER, "--encoding=UTF8", "--locale=C"]
        words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
        if self.durability is FORGETFUL:
            words.append("--no-sync")
        done = (
            self._with_password(words)
            if self.account
            else self._tool("initdb", *words, "-A", "trust")
        )
        if done.returncode != 0:
            raise ServerUnavailable(f"Could not make {self.data}: {reason(done.stderr, self.data)}")
        draft.rename(self.data)

    def _with_password(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Others of this machine can reach root's socket, so its database asks for a password."""
        handed = self.socket_dir / "password"
        handed.unlink(missing_ok=True)
        handed.touch(mode=0o600)
        handed.write_text(postgres_password(self.home))
        self._give(handed)
        done = self._tool("initdb", *words, "-A", "scram-sha-256", f"--pwfile={handed}")
        handed.unlink()
        return done

    def _launch(self) -> None:
        for _ in range(TRIES):
            self._forget_strangers()
            said_before = self.log.stat().st_size
            done = self._tool(
                "pg_ctl", "start", "-D", str(self.data), "-w", "-t", "120", "-l", str(self.log),
                "-o", self._options(),
            )  # fmt: skip
            if done.returncode == 0 or self.pid() is not None:
                return
            said = self.log.read_text(errors="replace")[said_before:]
            if not any(sign in said for sign in ("still in use", "lock file")):
                raise ServerUnavailable(f"PostgreSQL did not start: {reason(said, self.data)}")
            time.sleep(0.5)
        raise ServerUnavailable(f"PostgreSQL did not start: {reason(said, self.data)}")

    def _options(self) -> str:
        settings = {**PRIVATE, **self.durability, "unix_socket_directories": f'"{self.socket_dir}"'}
        if self.account:
            settings["unix_socket_permissions"] = "0777"
        return shlex.join(
            word for name, value in settings.items() for word in ("-c", f"{name}={value}")
        )

    def _forget_strangers(self) -> None:
        """Remove pid files whose number now belongs to another program, or to a zombie.

        PostgreSQL itself removes those of dead processes, and looks after orphaned backends.
        """
        if self.pid() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            (self.socket_dir / f"{POSTGRES_SOCKET}.lock").unlink(missing_ok=True)

    def _answers_soon(self) -> bool:
        for _ in range(4 * TRIES):
            if self.answers():
                return True
            if self.pid() is None:
                break
            time.sleep(0.5)
        return False


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without the variables that would send PostgreSQL's programs elsewhere."""
    kept = {name: value for name, value in environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C"}


def keep_log_small(log: Path) -> None:
    """Set a log over 10 MB aside, over the one set aside before."""
    if log.exists() and log.stat().st_size > 10_000_000:
        log.replace(log.with_suffix(".old.log"))


def reason(said: str, path: Path) -> str:
    """One sentence out of what a program printed."""
    if "No space left on device" in said:
        return f"the disk that holds {path} is full."
    if "ermission denied" in said:
        return f"no permission to write {path}."
    lines = [line for line in said.splitlines() if line.strip()] or ["it said nothing."]
    faults = [line for line in lines if "FATAL:" in line or "error:" in line]
    return (faults or lines)[-1].rpartition(": ")[-1].strip()
