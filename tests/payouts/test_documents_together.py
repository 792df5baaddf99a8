"""Numbers under a crowd: no gap, no double."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from payouts.models import Document
from payouts.services.documenting import issue_document
from tests.payouts import make
from tests.payouts.make import NOON
from tests.payouts.test_races import together

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def test_64_at_once_get_the_numbers_1_to_48_for_48_keys() -> None:
    client = make.organization()

    def issuing(key: int) -> Callable[[], list[str]]:
        def issue() -> list[str]:
            return [
                issue_document(
                    kind="invoice",
                    key=f"invoice:{(key * 4 + turn) % 48}",
                    organization=client,
                    currency="USD",
                    body={},
                    at=NOON,
                ).number
                for turn in range(4)
            ]

        return issue

    given = together([issuing(key) for key in range(16)])

    numbers = sorted(Document.objects.values_list("number", flat=True))
    assert numbers == [f"INV-2026-{number:06d}" for number in range(1, 49)]
    assert {number for few in given for number in few} == set(numbers)
