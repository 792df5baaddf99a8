"""What people were shown, and what they said to it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError

from marketplace.events.models import Event
from marketplace.kit.errors import InvalidInput
from marketplace.people.models import ConsentRecord, LegalDocument
from marketplace.people.selectors import current_document, documents_to_accept, has_consented
from marketplace.people.services.consenting import (
    NothingToWithdraw,
    TextChanged,
    decline_consent,
    give_consent,
    publish_document,
    withdraw_consent,
)
from tests.people import make
from tests.people.make import NOON

pytestmark = pytest.mark.django_db
PROJECT = UUID("01939f5e-0000-7000-8000-000000000002")


def test_consent_to_the_text_shown_is_kept_with_its_hash() -> None:
    ada, terms = make.user(), make.document()

    consent = give_consent(
        user=ada, document=terms, shown_hash=terms.sha256, channel="web", at=NOON
    )

    assert (consent.act, consent.shown_hash) == ("granted", terms.sha256)
    assert has_consented(ada, terms)
    assert Event.objects.get(kind="consent.granted").actor == ada.pk


def test_consent_to_a_text_other_than_shown_is_refused() -> None:
    ada, terms = make.user(), make.document()

    with pytest.raises(TextChanged):
        give_consent(user=ada, document=terms, shown_hash="0" * 64, channel="web", at=NOON)


def test_consent_to_a_version_no_longer_in_force_is_refused() -> None:
    ada, old = make.user(), make.document("Be fair.")
    new = make.document("Be fair and quick.")

    with pytest.raises(TextChanged):
        give_consent(user=ada, document=old, shown_hash=old.sha256, channel="web", at=NOON)

    assert (old.version, new.version) == (1, 2)


def test_version_that_is_not_yet_in_force_waits() -> None:
    ada, old = make.user(), make.document("Be fair.")
    publish_document(
        kind=old.kind,
        title="Terms",
        body="Soon.",
        effective_from=NOON + timedelta(days=30),
        by=ada,
        at=NOON,
    )

    assert current_document(old.kind, at=NOON) == old
    assert current_document(old.kind, at=NOON + timedelta(days=30)) != old


def test_own_language_comes_before_english() -> None:
    ada, english = make.user(), make.document()
    german = publish_document(
        kind=english.kind,
        title="Bedingungen",
        body="Sei fair.",
        effective_from=NOON,
        by=ada,
        at=NOON,
        locale="de",
    )

    assert current_document(english.kind, at=NOON, locale="de") == german
    assert current_document(english.kind, at=NOON, locale="fr") == english


def test_latest_word_counts() -> None:
    ada, terms = make.user(), make.document()
    give_consent(user=ada, document=terms, shown_hash=terms.sha256, channel="web", at=NOON)

    later = NOON + timedelta(days=1)
    withdrawn = withdraw_consent(user=ada, document=terms, channel="web", at=later)

    assert withdrawn.shown_hash == terms.sha256
    assert not has_consented(ada, terms)
    assert documents_to_accept(ada, [terms.kind], at=NOON) == [terms]
    assert ConsentRecord.objects.filter(user=ada).count() == 2


def test_consent_for_one_project_is_not_one_for_all() -> None:
    ada, terms = make.user(), make.document(kind="data_use")
    give_consent(
        user=ada,
        document=terms,
        shown_hash=terms.sha256,
        channel="web",
        at=NOON,
        scope="project",
        scope_id=PROJECT,
    )

    assert has_consented(ada, terms, scope_id=PROJECT)
    assert not has_consented(ada, terms)


def test_nothing_is_withdrawn_that_was_not_given() -> None:
    ada, terms = make.user(), make.document()
    decline_consent(user=ada, document=terms, shown_hash=terms.sha256, channel="web", at=NOON)

    with pytest.raises(NothingToWithdraw):
        withdraw_consent(user=ada, document=terms, channel="web", at=NOON)


def test_scope_without_its_object_is_refused_by_the_database() -> None:
    ada, terms = make.user(), make.document()

    with pytest.raises(IntegrityError, match="consent_scope_names_its_object"):
        give_consent(
            user=ada,
            document=terms,
            shown_hash=terms.sha256,
            channel="web",
            at=NOON,
            scope="project",
        )


def test_text_without_words_is_not_published() -> None:
    with pytest.raises(InvalidInput):
        make.document("  ")

    assert not LegalDocument.objects.exists()
