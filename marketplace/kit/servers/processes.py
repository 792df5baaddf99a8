"""Which process is really ours. No pid read from a file is ever signalled before it passes here."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from marketplace.kit.servers.accounts import Account

# `up` marks what it starts by these variables; children of children inherit them, and no other
# program has them, so they tell the program and the instance of a process in one look.
SUPERVISED = "GUILDHALL_SUPERVISED"
ROLE = "GUILDHALL_ROLE"
WORKERS = ("worker", "bulk", "beat")
ROLES = ("web", "demo", *WORKERS)


def pid_in(path: Path) -> int | None:
    """The number on the first line of a pid file, if there is one."""
    try:
        first = path.read_text().partition("\n")[0]
    except (FileNotFoundError, NotADirectoryError):
        return None
    return int(first) if first.strip().isdigit() else None


def living(pid: int | None) -> psutil.Process | None:
    """The process of that number, unless it is gone or a zombie."""
    try:
        process = psutil.Process(pid) if pid else None
    except psutil.Error:
        return None
    return process if process and is_alive(process) else None


def is_alive(process: psutil.Process) -> bool:
    """Whether this process, not a later one with its number, exists and is no zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def is_postmaster(process: psutil.Process, data: Path) -> bool:
    """Whether this is the PostgreSQL server of exactly that data folder."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return bool(words) and Path(words[0]).name == "postgres" and str(data) in words


def works_in(process: psutil.Process, folder: Path, *, program: str) -> bool:
    """Whether the process runs that program with that working folder."""
    try:
        return Path(process.exe()).name == program and Path(process.cwd()) == folder.resolve()
    except psutil.Error:
        return False


def every(test: Callable[[psutil.Process], bool]) -> Iterator[psutil.Process]:
    """All living processes that pass the test."""
    for process in psutil.process_iter():
        if is_alive(process) and test(process):
            yield process


def marked(home: Path, roles: Collection[str] = ROLES) -> list[psutil.Process]:
    """The living processes that `up` started for this instance, and theirs, in these roles."""
    me = psutil.Process()
    spared = {me.pid, *(parent.pid for parent in me.parents())}
    return [each for each in every(lambda one: _role(one, home) in roles) if each.pid not in spared]


def _role(process: psutil.Process, home: Path) -> str | None:
    try:
        environ = process.environ()
    except (psutil.Error, OSError):
        return None
    return environ.get(ROLE) if environ.get(SUPERVISED) == str(home) else None


def wait_for(processes: Sequence[psutil.Process], *, seconds: float) -> list[psutil.Process]:
    """Wait until they have ended; those that have not in time. A zombie has ended."""
    deadline = time.monotonic() + seconds
    running = [process for process in processes if is_alive(process)]
    while running and time.monotonic() < deadline:
        time.sleep(0.02)
        running = [process for process in running if is_alive(process)]
    return running


def end(processes: Sequence[psutil.Process], *, seconds: float) -> None:
    """Ask verified processes to end; kill those that are still there after the given time."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in wait_for(processes, seconds=seconds):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    wait_for(processes, seconds=10)


def run_program(
    words: Sequence[str],
    *,
    environ: Mapping[str, str] | None = None,
    account: Account | None = None,
    handed: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run one of our programs to its end, as another user where one is given; never by a shell."""
    return subprocess.run(  # noqa: S603 - the words come from this package, not from a request
        words,
        input=handed,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",  # the other user may not be able to enter ours
        env=environ,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
