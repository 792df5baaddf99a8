"""Texts, consents and decisions are never edited, not even by SQL."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import IntegrityError, connection, models, transaction

from marketplace.people.models import ConsentRecord, DecisionRecord, LegalDocument
from marketplace.people.services.consenting import give_consent
from marketplace.people.services.deciding import Subject, record_decision
from tests.people import make
from tests.people.make import NOON

ROWS = [LegalDocument, ConsentRecord, DecisionRecord]


@pytest.fixture
def one_of_each(db: None) -> None:
    terms = make.document()
    ada = make.user()
    give_consent(user=ada, document=terms, shown_hash=terms.sha256, channel="web", at=NOON)
    subject = Subject("application", UUID("01939f5e-0000-7000-8000-000000000004"))
    record_decision(kind="application.approved", subject=subject, at=NOON)


@pytest.mark.usefixtures("one_of_each")
@pytest.mark.parametrize("model", ROWS)
def test_row_cannot_be_changed_or_deleted(model: type[models.Model]) -> None:
    table = model._meta.db_table

    for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
        with (
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)

    assert model._default_manager.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("model", ROWS)
def test_table_cannot_be_emptied_outside_tests(model: type[models.Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_functiondef(tgfoid) FROM pg_trigger"
            " WHERE tgrelid = %s::regclass AND tgtype & 32 <> 0",
            [model._meta.db_table],
        )
        guards = [row[0] for row in cursor.fetchall()]

    assert len(guards) == 1
    assert r"current_database() LIKE 'test\_%'" in guards[0]
    assert "append-only" in guards[0]
