"""Which user PostgreSQL runs as: it refuses root, and a container is often root."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from marketplace.kit.servers.errors import ServerUnavailable


@dataclass(frozen=True)
class Account:
    """A user other than the caller, of whom only the uid and the primary group are kept."""

    name: str
    uid: int
    gid: int

    def can_traverse(self, folder: Path) -> bool:
        """Whether every folder from the root down to this one lets the user through."""
        return self.closed_folder(folder) is None

    def closed_folder(self, folder: Path) -> Path | None:
        """The topmost existing folder that is closed to the user."""
        for step in (*reversed(folder.parents), folder):
            if step.exists() and not self._may_enter(step):
                return step
        return None

    def _may_enter(self, folder: Path) -> bool:
        facts = folder.stat()
        if facts.st_uid == self.uid:
            return bool(facts.st_mode & stat.S_IXUSR)
        if facts.st_gid == self.gid:
            return bool(facts.st_mode & stat.S_IXGRP)
        return bool(facts.st_mode & stat.S_IXOTH)


def postgres_account(environ: Mapping[str, str]) -> Account | None:
    """The user PostgreSQL runs as when we are root (`PG_OS_USER`, else nobody); else None."""
    if os.geteuid() != 0:
        return None
    name = environ.get("PG_OS_USER") or "nobody"
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise ServerUnavailable(
            f"There is no user {name} to run PostgreSQL as: set PG_OS_USER to an existing user."
        ) from None
    if entry.pw_uid == 0:
        raise ServerUnavailable(
            "PostgreSQL refuses to run as root: set PG_OS_USER to another user."
        )
    return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)


def owner_name(path: Path) -> str:
    """The name of the user a path belongs to, or its number where it has no name.

    A path inside a closed folder answers with the owner of that folder.
    """
    for step in (path, *path.parents):
        with suppress(PermissionError):
            uid = step.lstat().st_uid
            break
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
