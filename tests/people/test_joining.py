"""Becoming an expert, and the pseudonym that clients see."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from allauth.account.models import EmailAddress

from marketplace.events.models import Event
from marketplace.kit.errors import InvalidInput
from marketplace.people.models import Expert, User
from marketplace.people.pseudonyms import pseudonyms
from marketplace.people.services.joining import (
    AddressTaken,
    AlreadyExpert,
    add_user,
    create_expert,
    describe_expert,
    end_break,
    take_break,
)
from tests.people import make
from tests.people.make import NOON

pytestmark = pytest.mark.django_db
KEY = UUID("01939f5e-0000-7000-8000-000000000001")


def test_expert_is_created_with_an_event() -> None:
    expert = make.expert("ada@example.org")

    assert (expert.country, expert.languages, expert.display_name) == ("DE", ["en"], "Ada Byron")
    assert Event.objects.get(kind="expert.created").expert == expert.pk


def test_pseudonym_is_the_same_for_the_same_key() -> None:
    assert next(pseudonyms(KEY)) == next(pseudonyms(KEY))
    assert len(set(pseudonyms(KEY))) == 32


def test_pseudonym_in_use_gives_way_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    bearer = make.expert()
    Expert.objects.filter(pk=bearer.pk).update(pseudonym=next(pseudonyms(KEY)))
    monkeypatch.setattr("marketplace.people.services.joining.uuid7", lambda: KEY)

    second = make.expert()

    assert second.pseudonym == list(pseudonyms(KEY))[1]


def test_user_has_one_profile() -> None:
    expert = make.expert()

    with pytest.raises(AlreadyExpert):
        create_expert(
            user=expert.user,
            country="DE",
            languages=["en"],
            time_zone="UTC",
            display_name="Ada",
            at=NOON,
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("display_name", "  "),
        ("country", "Germany"),
        ("country", "de"),
        ("country", "XX"),
        ("languages", []),
        ("languages", ["English, some"]),
        ("time_zone", "Berlin"),
    ],
)
def test_profile_that_says_nothing_usable_is_refused_by_field(field: str, value: object) -> None:
    expert = make.expert()
    said: dict[str, Any] = {
        "display_name": "Ada",
        "country": "DE",
        "languages": ["en", "pt-BR"],
        "time_zone": "UTC",
        "headline": "",
    }

    with pytest.raises(InvalidInput) as refusal:
        describe_expert(expert=expert, at=NOON, **(said | {field: value}))

    assert [error["field"] for error in refusal.value.data["errors"]] == [field]


def test_description_replaces_what_the_expert_said() -> None:
    expert = make.expert()

    told = describe_expert(
        expert=expert,
        display_name="A. Byron",
        country="FR",
        languages=["fr", "en", "fr"],
        time_zone="Europe/Paris",
        headline="Analytical engines",
        at=NOON,
    )

    told.refresh_from_db()
    assert (told.country, told.languages, told.headline) == (
        "FR",
        ["fr", "en"],
        "Analytical engines",
    )
    assert told.pseudonym == expert.pseudonym


def test_break_begins_and_ends_once() -> None:
    expert = make.expert()

    take_break(expert=expert, at=NOON)
    take_break(expert=expert, at=NOON)
    paused = Expert.objects.get(pk=expert.pk).paused_at
    end_break(expert=expert, at=NOON)
    end_break(expert=expert, at=NOON)

    assert paused == NOON
    assert Expert.objects.get(pk=expert.pk).paused_at is None
    assert Event.objects.filter(kind__in=["expert.paused", "expert.resumed"]).count() == 2


def test_address_belongs_to_one_user_in_any_case() -> None:
    make.user("ada@example.org")

    with pytest.raises(AddressTaken):
        add_user(email=" ADA@Example.org", name="Eve", password=None, at=NOON)


def test_whoever_the_operator_makes_superuser_signs_in_without_a_mailed_code() -> None:
    root = User.objects.create_superuser("root@example.org", "nine green bottles", name="Root")

    address = EmailAddress.objects.get(user=root)
    assert (address.email, address.verified, address.primary) == ("root@example.org", True, True)
