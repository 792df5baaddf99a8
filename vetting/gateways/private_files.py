"""Sealed documents in private storage, under random names."""

from __future__ import annotations

import secrets
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from marketplace.kit.sealing import seal, unseal


def keep(content: bytes, *, document_id: UUID) -> str:
    """Seal and store; the name under which it lies. It opens for this document only."""
    sealed = seal(content, aad=_place(document_id))
    return _storage().save(secrets.token_hex(16), ContentFile(sealed.encode()))


def fetch(name: str, *, document_id: UUID) -> bytes:
    """The content as it was kept, or SealBroken."""
    with _storage().open(name) as file:
        sealed: bytes = file.read()
    return unseal(sealed.decode(), aad=_place(document_id))


def forget(name: str) -> None:
    """Delete the file; a file that is gone already is fine."""
    _storage().delete(name)


def _storage() -> Storage:
    return storages["credentials"]


def _place(document_id: UUID) -> str:
    return f"vetting.Document.file:{document_id}"
