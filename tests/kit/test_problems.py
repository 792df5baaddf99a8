"""Errors of the API: one shape, the right status, nothing a stranger may not read."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings
from rest_framework.throttling import SimpleRateThrottle

from tests.kit.browser import post, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.kit.api")]


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.clear()


def test_domain_error_keeps_its_status_code_and_data() -> None:
    response = Client().get("/api/v1/failures/domain/")

    assert response.status_code == 409
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "Not today.",
        "code": "refused_for_the_test",
        "wanted": 3,
    }


def test_illegal_transition_names_the_allowed_acts() -> None:
    assert Client().get("/api/v1/failures/transition/").json()["allowed"] == ["closed"]


@pytest.mark.parametrize(
    ("kind", "status", "code"), [("missing", 404, "not_found"), ("denied", 403, "forbidden")]
)
def test_django_errors_are_problems_that_say_little(kind: str, status: int, code: str) -> None:
    response = Client().get(f"/api/v1/failures/{kind}/")

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert "secret" not in response.content.decode()


def test_address_that_does_not_exist_is_a_problem_for_every_method() -> None:
    client = Client(enforce_csrf_checks=True)

    answers = [client.get("/api/v1/nothing"), client.delete("/api/nothing/at/all")]

    assert [answer.json()["code"] for answer in answers] == ["not_found", "not_found"]


def test_bug_is_loud() -> None:
    with pytest.raises(ZeroDivisionError):
        Client().get("/api/v1/failures/bug/")


def test_stranger_is_told_how_to_come_in() -> None:
    response = post(Client(), "notes/", {"name": "one"})

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_wrong_method_type_and_json_are_problems() -> None:
    ada = signed_in()

    answers = [
        ada.delete("/api/v1/notes/"),
        ada.post("/api/v1/notes/", "x", content_type="text/plain"),
        post(ada, "notes/", "{"),
        ada.get("/api/v1/anyone/", headers={"Accept": "text/csv"}),
    ]

    assert [answer.status_code for answer in answers] == [405, 415, 400, 406]
    for answer in answers:
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_every_wrong_field_is_named_with_its_place() -> None:
    rows = [{"name": "good"}, {"name": "x" * 21}, {}]

    response = post(signed_in(), "lists/", {"rows": rows})

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["rows.1.name", "rows.2.name"]


@pytest.mark.parametrize("name", ["nmae", "made_at"])
def test_unknown_and_read_only_fields_are_refused_by_name(name: str) -> None:
    response = post(signed_in(), "notes/", {"name": "one", name: "x"})

    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"field": name, "problem": "This field is not known here."}
    ]


@pytest.mark.parametrize(
    "extra", ['"a\\u0000b"', '{"a\\u0000": 1}', '["\\ud800"]', "[" * 70 + "]" * 70]
)
def test_json_that_cannot_be_stored_is_refused(extra: str) -> None:
    response = post(signed_in(), "notes/", f'{{"name": "one", "extra": {extra}}}')

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "extra"


@pytest.mark.parametrize("body", ["[]", '"text"', "null", "3"])
def test_body_that_is_no_object_is_refused(body: str) -> None:
    assert post(signed_in(), "lists/", body).status_code == 422


def test_too_many_requests_are_told_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"anonymous": "2/min"})

    statuses = [Client().get("/api/v1/anyone/").status_code for _ in range(2)]
    refused = Client().get("/api/v1/anyone/")

    assert statuses == [200, 200]
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert 1 <= int(refused.headers["Retry-After"]) <= 61


def test_forged_forwarding_header_hides_nobody_from_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"anonymous": "2/min"})

    statuses = [
        Client(headers={"X-Forwarded-For": f"203.0.113.{number}"})
        .get("/api/v1/anyone/")
        .status_code
        for number in range(3)
    ]

    assert statuses == [200, 200, 429]


def test_each_person_has_their_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"signed_in": "1/min"})
    ada, eve = signed_in(), signed_in("eve@example.org")

    statuses = [client.get("/api/v1/anyone/").status_code for client in (ada, eve, ada)]

    assert statuses == [200, 200, 429]


def test_limits_fail_open_while_the_cache_is_away(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"anonymous": "1/min"})
    gone = {"LOCATION": "unix:///nonexistent/valkey.sock?db=1"}
    settings.CACHES = {"default": settings.CACHES["default"] | gone}

    assert [Client().get("/api/v1/anyone/").status_code for _ in range(3)] == [200, 200, 200]
