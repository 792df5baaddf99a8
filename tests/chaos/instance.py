"""A whole Guildhall of a test's own: real processes, durable servers, HTTP."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from django.conf import settings

from marketplace.kit.servers.processes import ROLE, end, marked
from marketplace.kit.servers.stack import Stack
from tests.servers.waiting import until

OF_THE_SUITE = ("GUILDHALL_", "PYTEST_", "DATABASE_", "REDIS_", "CACHE_", "COV_", "EMBEDDED")


class Instance:
    """Everything runs in `home`, as it would in a checkout of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.stack = Stack.durable(home, {})
        self.address = ""
        self.output = home / "up.txt"
        self.supervisor: subprocess.Popen[bytes] | None = None
        kept = {name: v for name, v in os.environ.items() if not name.startswith(OF_THE_SUITE)}
        self.environ = kept | {
            "DATA_DIR": str(home),
            "DJANGO_SETTINGS_MODULE": "marketplace.settings",
            "DEBUG": "1",
        }

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a management command of this instance to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=settings.BASE_DIR,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )

    def up(self, *words: str) -> float:
        """Start everything and wait until the site is ready; how many seconds it took."""
        began = time.monotonic()
        with self.output.open("w") as output:
            self.supervisor = subprocess.Popen(
                [sys.executable, "manage.py", "up", *words],
                cwd=settings.BASE_DIR,
                env=self.environ,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        found = until(self._greeting, seconds=90, else_tell=self.output.read_text)
        self.address = found.group(1)
        until(self.is_ready)
        return time.monotonic() - began

    def _greeting(self) -> re.Match[str] | None:
        assert self.supervisor is not None
        said = self.output.read_text()
        assert self.supervisor.poll() is None, said
        return re.search(r"Guildhall is at http://(\S+)", said)

    def status(self, path: str) -> int:
        """The HTTP status of a page; 0 when nobody answers."""
        link = http.client.HTTPConnection(self.address, timeout=5)
        try:
            link.request("GET", path)
            return link.getresponse().status
        except OSError:
            return 0
        finally:
            link.close()

    def is_ready(self) -> bool:
        """Whether the site says it is ready."""
        return self.status("/readyz") == 200

    def roles(self) -> dict[str, int]:
        """The pid of each process that the supervisor itself started, by role."""
        assert self.supervisor is not None
        return {
            process.environ()[ROLE]: process.pid
            for process in marked(self.home)
            if process.ppid() == self.supervisor.pid
        }

    def kill_supervisor(self) -> None:
        """kill -9, as a crash would."""
        assert self.supervisor is not None
        self.supervisor.kill()
        self.supervisor.wait()

    def stop(self) -> int:
        """Stop as Ctrl-C does; the exit code."""
        assert self.supervisor is not None
        self.supervisor.send_signal(signal.SIGINT)
        return self.supervisor.wait(60)

    def clear(self) -> None:
        """End whatever a failed test left."""
        if self.supervisor and self.supervisor.poll() is None:
            self.kill_supervisor()
        end(marked(self.home), seconds=0)
        self.stack.down()
