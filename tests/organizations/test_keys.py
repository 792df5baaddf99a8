"""API keys: how they are made, what they open, and how they end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError
from django.test import Client

from marketplace.events.models import Event
from marketplace.kit import clock
from marketplace.kit.errors import Forbidden, InvalidInput, NotFound
from marketplace.organizations.api.permissions import HasScope
from marketplace.organizations.models import ApiKey
from marketplace.organizations.services.keys import (
    TooManyKeys,
    create_api_key,
    revoke_api_key,
)
from tests.organizations import make
from tests.people import make as people
from tests.people.make import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.organizations.api")]
ONE = UUID("01939f5e-0000-7000-8000-000000000011")
TWO = UUID("01939f5e-0000-7000-8000-000000000012")


def _get(token: str, project: UUID = ONE, *, scheme: str = "Bearer") -> tuple[int, str]:
    """Call the API with the key; returns status and code."""
    headers = {"Authorization": f"{scheme} {token}"}
    response = Client(headers=headers).get(f"/api/v1/projects/{project}/tasks/")
    return response.status_code, response.json().get("code", "")


def test_key_opens_the_api_of_its_organization() -> None:
    lab = make.organization()
    key, token = make.api_key(lab)

    with clock.at(NOON):
        response = Client(headers={"Authorization": f"Bearer {token}"}).get(
            f"/api/v1/projects/{ONE}/tasks/"
        )

    assert response.json() == {"organization": str(lab.pk)}
    assert token == f"guild_live_{key.prefix}_{token.rpartition('_')[2]}"


def test_secret_is_kept_nowhere() -> None:
    _, token = make.api_key(make.organization())
    secret = token.rpartition("_")[2]

    assert len(secret) == 64
    assert secret not in str(ApiKey.objects.values())
    assert secret not in str(Event.objects.values())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token: token.replace("live", "test"),
        lambda token: token.rpartition("_")[2],
        lambda token: "guild_live_000000000000_" + token.rpartition("_")[2],
        lambda _token: "",
        lambda _token: "guild_live__",
        lambda _token: "\xff\x00",
    ],
)
def test_wrong_key_opens_nothing(spoil) -> None:
    _, token = make.api_key(make.organization())

    with clock.at(NOON):
        assert _get(spoil(token)) == (401, "key_not_valid")


def test_expired_key_opens_nothing() -> None:
    _, token = make.api_key(make.organization())

    with clock.at(NOON + timedelta(days=30)):
        assert _get(token) == (401, "key_not_valid")


def test_revoked_key_opens_nothing() -> None:
    lab = make.organization()
    key, token = make.api_key(lab)

    revoke_api_key(key=key, by=make.owner_of(lab), at=NOON)

    with clock.at(NOON):
        assert _get(token) == (401, "key_not_valid")


def test_key_in_the_address_is_refused() -> None:
    _, token = make.api_key(make.organization())

    with clock.at(NOON):
        response = Client().get(f"/api/v1/projects/{ONE}/tasks/?api_key={token}&key={token}")

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_key_without_the_scope_is_refused_by_its_name() -> None:
    _, token = make.api_key(make.organization(), ["exports:read"])

    with clock.at(NOON):
        response = Client(headers={"Authorization": f"Bearer {token}"}).get(
            f"/api/v1/projects/{ONE}/tasks/"
        )

    assert (response.status_code, response.json()["scope"]) == (403, "tasks:write")


def test_key_of_one_project_does_not_find_another() -> None:
    _, token = make.api_key(make.organization(), project_ids=[ONE])

    with clock.at(NOON):
        assert _get(token, ONE) == (200, "")
        assert _get(token, TWO) == (404, "not_found")


def test_both_keys_of_a_rotation_work() -> None:
    lab = make.organization()
    lin = make.owner_of(lab)
    made = [
        create_api_key(
            organization=lab,
            name="pipeline",
            scopes=["tasks:write"],
            expires_at=NOON + timedelta(days=30),
            by=lin,
            at=NOON,
        )
        for _ in range(2)
    ]

    with clock.at(NOON):
        assert [_get(token)[0] for _, token in made] == [200, 200]


def test_third_live_key_of_one_name_is_refused() -> None:
    lab = make.organization()
    lin = make.owner_of(lab)

    def another() -> ApiKey:
        key, _ = create_api_key(
            organization=lab,
            name="pipeline",
            scopes=["tasks:write"],
            expires_at=NOON + timedelta(days=30),
            by=lin,
            at=NOON,
        )
        return key

    first, _second = another(), another()
    with pytest.raises(TooManyKeys):
        another()
    revoke_api_key(key=first, by=lin, at=NOON)

    assert another().name == "pipeline"


@pytest.mark.parametrize("role", ["reviewer", "viewer", "billing"])
def test_members_who_do_not_manage_make_and_revoke_no_keys(role: str) -> None:
    lab = make.organization()
    kim = make.member(lab, role)
    key, _ = make.api_key(lab)

    with pytest.raises(Forbidden):
        create_api_key(
            organization=lab,
            name="mine",
            scopes=["tasks:write"],
            expires_at=NOON + timedelta(days=1),
            by=kim,
            at=NOON,
        )
    with pytest.raises(Forbidden):
        revoke_api_key(key=key, by=kim, at=NOON)


def test_support_may_revoke_and_other_strangers_find_nothing() -> None:
    root = people.superuser()
    support, finance = people.staff("support", by=root), people.staff("finance", by=root)
    key, _ = make.api_key(make.organization())

    with pytest.raises(NotFound):
        revoke_api_key(key=key, by=finance, at=NOON)
    revoked = revoke_api_key(key=key, by=support, at=NOON)
    revoke_api_key(key=key, by=support, at=NOON + timedelta(days=1))

    assert revoked.revoked_at == NOON
    assert Event.objects.filter(kind="api_key.revoked").count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("scopes", []),
        ("scopes", ["tasks:write", "everything"]),
        ("expires_at", NOON),
        ("expires_at", NOON + timedelta(days=367)),
    ],
)
def test_key_is_named_scoped_and_expires_within_a_year(field: str, value: object) -> None:
    lab = make.organization()
    wish: dict[str, Any] = {
        "name": "k",
        "scopes": ["tasks:write"],
        "expires_at": NOON + timedelta(days=366),
    }

    with pytest.raises(InvalidInput) as refusal:
        create_api_key(organization=lab, by=make.owner_of(lab), at=NOON, **(wish | {field: value}))

    assert [error["field"] for error in refusal.value.data["errors"]] == [field]


def test_database_refuses_a_key_without_end() -> None:
    key, _ = make.api_key(make.organization())

    with pytest.raises(IntegrityError, match="api_key_expires_within_a_year"):
        ApiKey.objects.filter(pk=key.pk).update(expires_at=NOON + timedelta(days=4000))


def test_last_use_is_noted_once_a_minute() -> None:
    key, token = make.api_key(make.organization())
    seen = []

    for seconds in (0, 59, 60):
        with clock.at(NOON + timedelta(seconds=seconds)):
            _get(token)
        seen.append(ApiKey.objects.get(pk=key.pk).last_used_at)

    assert seen == [NOON, NOON, NOON + timedelta(seconds=60)]


def test_session_is_no_key() -> None:
    browser = Client()
    browser.force_login(people.user())

    response = browser.get(f"/api/v1/projects/{ONE}/tasks/")

    assert response.status_code == 403


def test_principal_is_the_key_or_the_person() -> None:
    _, token = make.api_key(make.organization())
    browser = Client()
    browser.force_login(people.user())

    with clock.at(NOON):
        by_key = Client(headers={"Authorization": f"Bearer {token}"}).get("/api/v1/me/")
    by_session = browser.get("/api/v1/me/")

    assert (by_key.json()["kind"], by_session.json()["kind"]) == ("key", "person")
    assert Client().get("/api/v1/me/").status_code == 401


def test_permission_for_an_unknown_scope_is_a_bug() -> None:
    with pytest.raises(ValueError, match="not a scope"):
        HasScope("everything")
