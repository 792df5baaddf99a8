"""Questions about people and what they agreed to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from marketplace.people.models import ConsentRecord, Expert, LegalDocument, User
from marketplace.people.pseudonyms import pseudonyms

FALLBACK_LOCALE = "en"


def free_pseudonym(key: UUID) -> str:
    """The first name of this key that nobody bears."""
    names = list(pseudonyms(key))
    taken = set(Expert.objects.filter(pseudonym__in=names).values_list("pseudonym", flat=True))
    return next(name for name in names if name not in taken)


def current_document(
    kind: str, *, at: datetime, locale: str = FALLBACK_LOCALE
) -> LegalDocument | None:
    """The version in force at that instant, in the locale or else in English."""
    in_force = LegalDocument.objects.filter(
        kind=kind, locale__in={locale, FALLBACK_LOCALE}, effective_from__lte=at
    )
    own = in_force.filter(locale=locale).order_by("-version", "pk").first()
    return own or in_force.order_by("-version", "pk").first()


def last_consent(
    user: User, document: LegalDocument, *, scope_id: UUID | None = None
) -> ConsentRecord | None:
    """The latest thing the person said to this version; the latest counts."""
    said = ConsentRecord.objects.filter(user=user, document=document, scope_id=scope_id)
    return said.order_by("-at", "-pk").first()


def has_consented(user: User, document: LegalDocument, *, scope_id: UUID | None = None) -> bool:
    """Whether the person's latest word to this version is yes."""
    last = last_consent(user, document, scope_id=scope_id)
    return last is not None and last.act == ConsentRecord.Act.GRANTED


def documents_to_accept(
    user: User, kinds: Iterable[str], *, at: datetime, locale: str = FALLBACK_LOCALE
) -> list[LegalDocument]:
    """The versions in force, of those kinds, that the person has not agreed to."""
    current = (current_document(kind, at=at, locale=locale) for kind in kinds)
    return [document for document in current if document and not has_consented(user, document)]
