"""Files of imports and exports. Nothing here is served by address."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage

from marketplace.kit.ids import uuid7

_CHUNK = 1 << 20

if TYPE_CHECKING:
    BytesFile = File[bytes]
else:
    BytesFile = File  # Django's is no generic at run time


@dataclass(frozen=True, slots=True)
class Stored:
    """A kept file: its path in the storage, size in bytes, SHA-256."""

    path: str
    size: int
    sha256: str


class _Hashed(BytesFile):
    """A file that is hashed while the storage reads it, so that it is read once."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.digest = hashlib.sha256()
        self.bytes_read = 0

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        self.seek(0)
        while piece := self.read(chunk_size or _CHUNK):
            self.digest.update(piece)
            self.bytes_read += len(piece)
            yield piece


def keep_upload(file: IO[bytes]) -> Stored:
    """Keep a file under a random name, without holding it in memory."""
    hashed = _Hashed(file)
    path = default_storage.save(f"imports/{uuid7()}", hashed)
    return Stored(path, hashed.bytes_read, hashed.digest.hexdigest())


def open_upload(path: str) -> IO[bytes]:
    """The kept file, from its start. Raises FileNotFoundError where it is gone."""
    opened: IO[bytes] = default_storage.open(path, "rb")
    return opened


def forget_upload(path: str) -> None:
    """Delete a kept file; nothing happens where it is gone."""
    default_storage.delete(path)


def export_folder(export_id: UUID) -> Path:
    """Where the finished files of an export stand."""
    return Path(settings.MEDIA_ROOT) / "exports" / str(export_id)


def begin_export(export_id: UUID) -> Path:
    """An empty folder beside the final one; what an earlier attempt left there is removed."""
    folder = export_folder(export_id).with_suffix(".part")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def finish_export(export_id: UUID) -> Path:
    """Move the whole folder into place at once."""
    final = export_folder(export_id)
    shutil.rmtree(final, ignore_errors=True)
    return final.with_suffix(".part").rename(final)
