"""A backup in one file: the database's dump, the files, and a manifest with their sums."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any

from marketplace.kit.errors import DomainError

FORMAT = 1
DUMP = "database.dump"
FILES = "files"
MANIFEST = "manifest.json"

Facts = Mapping[str, Any]  # Any: JSON values, compared as a whole


class ArchiveBroken(DomainError):
    """The file is not a whole backup; the message names the part."""

    code = "archive_broken"
    status = 422


@dataclass
class _Summing:
    """A file that sums what is read from it."""

    file: IO[bytes]
    digest: Any = field(default_factory=hashlib.sha256)  # Any: hashlib has no public type

    def read(self, size: int = -1) -> bytes:
        piece = self.file.read(size)
        self.digest.update(piece)
        return piece


def write_archive(target: Path, *, dump: Path, folders: Mapping[str, Path], facts: Facts) -> None:
    """Write the dump and the files of each named folder into one file.

    It is written under another name and then renamed: a file of that name is whole.
    """
    draft = target.with_name(f"{target.name}.partial")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    sums = {}
    with tarfile.open(draft, "w") as tar:
        for name, path in _parts(dump, folders):
            sums[name] = _add(tar, name, path)
        text = json.dumps({**facts, "format": FORMAT, "files": sums}, indent=1).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(text)
        tar.addfile(entry, BytesIO(text))
    draft.replace(target)


def _parts(dump: Path, folders: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    yield DUMP, dump
    for name, folder in folders.items():
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield f"{FILES}/{name}/{path.relative_to(folder).as_posix()}", path


def _add(tar: tarfile.TarFile, name: str, path: Path) -> str:
    entry = tarfile.TarInfo(name)
    entry.size = path.stat().st_size
    with path.open("rb") as file:
        summing = _Summing(file)
        tar.addfile(entry, summing)
    return str(summing.digest.hexdigest())


@contextmanager
def opened(archive: Path) -> Iterator[tarfile.TarFile]:
    """The backup, open for reading. Raises ArchiveBroken for anything that is none."""
    try:
        with tarfile.open(archive, "r:") as tar:
            yield tar
    except FileNotFoundError:
        raise ArchiveBroken(f"There is no file {archive}.") from None
    except (tarfile.TarError, EOFError):
        raise ArchiveBroken(f"{archive} is not a whole backup of Guildhall.") from None


def checked_facts(archive: Path) -> Facts:
    """Read every byte, compare it with the manifest, and return the manifest with its facts."""
    with opened(archive) as tar:
        manifest = _manifest(tar, archive)
        found = {
            entry.name: _sum(tar, entry) for entry in tar.getmembers() if entry.name != MANIFEST
        }
    wanted: dict[str, str] = manifest.get("files", {})
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise ArchiveBroken(f"{archive}: {name} is not what was backed up.")
    return manifest


def _manifest(tar: tarfile.TarFile, archive: Path) -> dict[str, Any]:  # Any: JSON
    try:
        file = tar.extractfile(MANIFEST)
        manifest = json.load(file) if file else {}
    except (KeyError, ValueError):
        manifest = {}
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ArchiveBroken(f"{archive} has no manifest this version can read.")
    return manifest


def _sum(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> str:
    path = PurePosixPath(entry.name)
    file = tar.extractfile(entry) if entry.isreg() else None
    if file is None or path.is_absolute() or ".." in path.parts:
        raise ArchiveBroken(f"{entry.name} does not belong in a backup.")
    summing = _Summing(file)
    while summing.read(1 << 20):
        pass
    return str(summing.digest.hexdigest())


def unpack(archive: Path, folder: Path) -> None:
    """Write the parts of a checked backup into a folder."""
    with opened(archive) as tar:
        for entry in tar.getmembers():
            source = tar.extractfile(entry)
            path = folder / entry.name
            path.parent.mkdir(parents=True, exist_ok=True)
            if source is not None:
                with path.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
