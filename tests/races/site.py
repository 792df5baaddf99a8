"""The site as production runs it: gunicorn, two processes, on the test's own database."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from marketplace.people.models import User
from tests.servers.waiting import until

CSRF = "c" * 32


@contextmanager
def running_site() -> Iterator[int]:
    """Start the site and wait until it answers; yields its port on 127.0.0.1."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(128)
        door.set_inheritable(True)
        command = [
            *(sys.executable, "-m", "gunicorn", "marketplace.wsgi", "--workers", "2"),
            *("--threads", "8", "--worker-class", "gthread", "--bind", f"fd://{door.fileno()}"),
            *("--no-control-socket", "--log-level", "warning"),
        ]
        site = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=_environ(), pass_fds=[door.fileno()]
        )
        port: int = door.getsockname()[1]
        try:
            with Caller(port) as visitor:
                until(lambda: visitor.get("/healthz") == 200, seconds=60)
            yield port
        finally:
            site.terminate()
            site.wait(30)


def _environ() -> dict[str, str]:
    database = connection.settings_dict
    credentials = f"{quote(database['USER'])}:{quote(database['PASSWORD'])}"
    place = urlencode({"host": database["HOST"]})
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "DATABASE_URL": f"postgresql://{credentials}@/{database['NAME']}?{place}",
        "REDIS_URL": settings.REDIS_URL,
        "DATA_DIR": str(settings.DATA_DIR),
        "LOG_LEVEL": "ERROR",
    }


@dataclass
class Caller:
    """Somebody with a keep-alive connection, signed in or not."""

    port: int
    cookies: str = ""

    def __post_init__(self) -> None:
        self.link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.link.close()

    def get(self, path: str) -> int:
        """The status of a page; 0 while nobody answers."""
        try:
            self.link.request("GET", path, headers={"Cookie": self.cookies})
            answer = self.link.getresponse()
            answer.read()
        except OSError:
            self.link.close()
            return 0
        return answer.status

    def post(self, path: str, body: object) -> tuple[int, Any]:  # Any: JSON
        """Send JSON as a page would, with the cookie's token."""
        headers = {
            "Cookie": self.cookies,
            "X-CSRFToken": CSRF,
            "Content-Type": "application/json",
        }
        self.link.request("POST", path, json.dumps(body), headers)
        answer = self.link.getresponse()
        data = answer.read()
        return answer.status, json.loads(data) if data else None


def signed_in(user: User, port: int) -> Caller:
    """A caller with a session of the person, made without the sign-in page."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    names = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
    return Caller(port, f"{names[0]}={session.session_key}; {names[1]}={CSRF}")
