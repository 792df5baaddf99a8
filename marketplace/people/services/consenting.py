"""Legal texts are published once; people say yes, no, or no longer to what they were shown."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.people.models import ConsentRecord, LegalDocument, User
from marketplace.people.selectors import current_document, last_consent


class TextChanged(DomainError):
    """The text on the person's page is not the one in force: show it again."""

    code = "text_changed"


class NothingToWithdraw(DomainError):
    """The person never agreed to this, or took it back already."""

    code = "nothing_to_withdraw"


@transaction.atomic
def publish_document(
    *,
    kind: str,
    title: str,
    body: str,
    effective_from: datetime,
    by: User,
    at: datetime,
    locale: str = "en",
) -> LegalDocument:
    """Publish the next version of a text; from `effective_from` on it is the one in force."""
    if kind not in LegalDocument.Kind.values or not title.strip() or not body.strip():
        raise InvalidInput("A legal text needs a known kind, a title and a body.", errors=[])
    versions = LegalDocument.objects.filter(kind=kind, locale=locale)
    last = versions.aggregate(last=Max("version"))["last"] or 0
    document = LegalDocument.objects.create(
        kind=kind,
        version=last + 1,
        locale=locale,
        title=title,
        body=body,
        sha256=hashlib.sha256(f"{title}\n\n{body}".encode()).hexdigest(),
        effective_from=effective_from,
    )
    record(
        "document.published",
        at=at,
        object_kind="document",
        object_id=document.pk,
        actor=by.pk,
        data={"kind": kind, "version": document.version, "sha256": document.sha256},
    )
    return document


@transaction.atomic
def give_consent(
    *,
    user: User,
    document: LegalDocument,
    shown_hash: str,
    channel: str,
    at: datetime,
    scope: str = ConsentRecord.Scope.NONE,
    scope_id: UUID | None = None,
) -> ConsentRecord:
    """Record a yes to exactly the text that was shown (`shown_hash` is its SHA-256).

    Raises TextChanged where another version came into force meanwhile.
    """
    in_force = current_document(document.kind, at=at, locale=document.locale)
    if in_force != document or not hmac.compare_digest(shown_hash, document.sha256):
        raise TextChanged("This text has changed since you opened the page. Please read it again.")
    consent = ConsentRecord(
        user=user, document=document, act="granted", channel=channel, at=at, scope=scope
    )
    consent.scope_id = scope_id
    return _keep(consent, shown_hash=shown_hash)


@transaction.atomic
def decline_consent(
    *, user: User, document: LegalDocument, shown_hash: str, channel: str, at: datetime
) -> ConsentRecord:
    """Record a no. It is never counted against the person."""
    consent = ConsentRecord(user=user, document=document, act="declined", channel=channel, at=at)
    return _keep(consent, shown_hash=shown_hash)


@transaction.atomic
def withdraw_consent(
    *,
    user: User,
    document: LegalDocument,
    channel: str,
    at: datetime,
    scope: str = ConsentRecord.Scope.NONE,
    scope_id: UUID | None = None,
) -> ConsentRecord:
    """Take a yes back, from now on; what was done under it stays."""
    last = last_consent(user, document, scope_id=scope_id)
    if last is None or last.act != ConsentRecord.Act.GRANTED:
        raise NothingToWithdraw("You have not agreed to this.")
    consent = ConsentRecord(
        user=user, document=document, act="withdrawn", channel=channel, at=at, scope=scope
    )
    consent.scope_id = scope_id
    return _keep(consent, shown_hash=last.shown_hash)


def _keep(consent: ConsentRecord, *, shown_hash: str) -> ConsentRecord:
    consent.shown_hash = shown_hash
    consent.save(force_insert=True)
    record(
        f"consent.{consent.act}",
        at=consent.at,
        object_kind="consent",
        object_id=consent.pk,
        actor=consent.user_id,
        data={"document": str(consent.document_id), "scope": consent.scope},
    )
    return consent
