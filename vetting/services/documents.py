"""Papers behind credentials: kept sealed, opened with a reason, forgotten on time."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError
from marketplace.kit.ids import uuid7
from marketplace.people.models import User
from vetting.gateways import private_files
from vetting.gateways.inspection import inspect
from vetting.models import Credential, Document, DocumentAccess

MOST = 10
KEPT_FOR = timedelta(days=30)
ATTACHABLE = ("draft", "needs_info")


class TooManyDocuments(DomainError):
    """Ten papers are enough for one credential."""

    code = "too_many_documents"


class NotAttachable(DomainError):
    """Papers are added to a draft, or when more is asked for."""

    code = "not_attachable"


class DocumentGone(DomainError):
    """The file was purged; its hash and the verdict stay."""

    code = "document_gone"
    status = 410


@transaction.atomic
def attach_document(*, credential: Credential, content: bytes, at: datetime) -> Document:
    """Look at a file, clean it, seal it and keep it for this credential.

    Raises DocumentRefused with a sentence for the person, TooManyDocuments, NotAttachable.
    """
    credential = Credential.objects.select_for_update().get(pk=credential.pk)
    if credential.state not in ATTACHABLE:
        raise NotAttachable(f"This credential is {credential.state}; papers cannot be added now.")
    if credential.documents.count() >= MOST:
        raise TooManyDocuments(f"A credential takes {MOST} documents.", most=MOST)
    inspected = inspect(content)
    key = uuid7()
    document = Document.objects.create(
        id=key,
        credential=credential,
        media_type=inspected.media_type,
        size_bytes=len(inspected.content),
        sha256=hashlib.sha256(inspected.content).hexdigest(),
        stored_as=private_files.keep(inspected.content, document_id=key),
        uploaded_at=at,
        purge_at=at + KEPT_FOR,
    )
    _tell("document.attached", document, credential, at)
    return document


@transaction.atomic
def open_document(*, document: Document, by: User, reason: str, at: datetime) -> bytes:
    """The content for somebody who may see it; the expert can read who looked and why.

    The edge answers as an attachment, never in the page. Raises DocumentGone.
    """
    document = Document.objects.select_related("credential").get(pk=document.pk)
    if document.purged_at is not None:
        raise DocumentGone("This document was deleted after its decision.")
    DocumentAccess.objects.create(document=document, by=by, reason=reason.strip(), at=at)
    _tell("document.opened", document, document.credential, at, by=by)
    return private_files.fetch(document.stored_as, document_id=document.pk)


@transaction.atomic
def keep_documents_until(*, credential: Credential, until: datetime) -> int:
    """Set when the papers of a credential are purged; how many."""
    return credential.documents.filter(purged_at__isnull=True).update(purge_at=until)


def purge_documents(*, at: datetime) -> int:
    """Delete every file whose time is over, each in its own transaction; how many.

    Papers of a credential that is still being checked stay until it is decided.
    """
    due = Document.objects.filter(purged_at__isnull=True, purge_at__lte=at).exclude(
        credential__state__in=["submitted", "checking", "in_review"]
    )
    documents = list(due.order_by("purge_at", "id"))
    for document in documents:
        _purge(document, at)
    return len(documents)


@transaction.atomic
def _purge(document: Document, at: datetime) -> None:
    document = Document.objects.select_for_update(of=("self",)).get(pk=document.pk)
    private_files.forget(document.stored_as)
    document.stored_as, document.purged_at = "", at
    document.save(update_fields=["stored_as", "purged_at"])
    _tell("document.purged", document, document.credential, at)


def _tell(
    kind: str, document: Document, credential: Credential, at: datetime, *, by: User | None = None
) -> None:
    record(
        kind,
        at=at,
        object_kind="document",
        object_id=document.pk,
        actor=by.pk if by else None,
        expert=credential.expert_id,
        data={"credential": str(credential.pk), "sha256": document.sha256},
    )
