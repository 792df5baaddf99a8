"""Papers: numbers without a gap, once per key, the hash of exactly what was said."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from payouts.models import Document, DocumentSeries
from payouts.services.documenting import DocumentKeyReused, issue_document
from tests.payouts import make
from tests.payouts.make import NOON

pytestmark = pytest.mark.django_db


def issue(key: str = "one", **other: Any) -> Document:
    values: dict[str, Any] = {"kind": "receipt", "currency": "USD", "body": {"minor": 5}}
    values |= {"at": NOON} | other
    if "expert" not in values and "organization" not in values:
        values["organization"] = make.organization()
    return issue_document(key=key, **values)


def test_a_paper_has_a_number_of_its_kind_and_year_and_hashes_what_it_says() -> None:
    paper = issue(period=(date(2026, 10, 1), date(2026, 11, 1)))

    assert paper.number == "REC-2026-000001"
    assert paper.body == {
        "minor": 5,
        "kind": "receipt",
        "number": "REC-2026-000001",
        "currency": "USD",
        "issued_at": "2026-11-20T12:00:00+00:00",
        "mode": "sandbox",
        "period": {"from": "2026-10-01", "until": "2026-11-01"},
    }
    paper.refresh_from_db()
    assert paper.sha256 == hashlib.sha256(paper.canonical).hexdigest()
    assert json.loads(paper.canonical) == paper.body


def test_numbers_count_up_within_a_kind_and_a_year() -> None:
    numbers = [
        issue("a").number,
        issue("b").number,
        issue("c", kind="invoice").number,
        issue("d", at=datetime(2027, 1, 1, tzinfo=UTC)).number,
    ]

    assert numbers == ["REC-2026-000001", "REC-2026-000002", "INV-2026-000001", "REC-2027-000001"]


def test_a_key_makes_one_paper_and_takes_one_number() -> None:
    client = make.organization()
    first = issue(organization=client)

    again = issue(organization=client, body={"minor": 6})

    assert (again.pk, again.body["minor"]) == (first.pk, 5)
    assert DocumentSeries.objects.get().last == 1


def test_a_key_of_somebody_elses_paper_is_refused() -> None:
    issue()

    with pytest.raises(DocumentKeyReused):
        issue(organization=make.organization())


def test_a_rollback_leaves_no_gap() -> None:
    with transaction.atomic():
        issue("lost")
        transaction.set_rollback(True)

    assert issue("kept").number == "REC-2026-000001"


@pytest.mark.parametrize("bad", [1.5, {"x": [1.0]}, NOON, {1: "a"}])
def test_a_paper_holds_no_fraction_and_nothing_but_json(bad: object) -> None:
    with pytest.raises(TypeError):
        issue(body={"bad": bad})

    assert not Document.objects.exists()


def test_the_database_refuses_to_change_or_delete_a_paper() -> None:
    paper = issue()

    with pytest.raises(IntegrityError, match="documents are append-only"), transaction.atomic():
        Document.objects.filter(pk=paper.pk).update(sha256="0" * 64)
    with pytest.raises(IntegrityError, match="documents are append-only"), transaction.atomic():
        paper.delete()


def test_a_paper_has_one_owner() -> None:
    with pytest.raises(IntegrityError, match="document_has_one_owner"):
        issue(organization=make.organization(), expert=make.expert())
