"""What people and programs read when something is not possible."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from marketplace.kit.errors import Forbidden, NotFound
from marketplace.people.access import NotSignedIn
from marketplace.web.errors import page_not_found, server_error
from marketplace.web.middleware import ErrorsMiddleware
from tests import make


def _answer(path: str, error: Exception, **headers: str) -> HttpResponse:
    request = RequestFactory().get(path, headers=headers)
    middleware = ErrorsMiddleware(lambda _: HttpResponse())
    answer = middleware.process_exception(request, error)
    assert answer is not None
    return answer


def test_domain_error_of_a_page_is_a_page_with_its_message() -> None:
    answer = _answer("/work/", Forbidden("This batch is somebody else's."))

    assert answer.status_code == 403
    assert "This batch is somebody else&#x27;s." in answer.content.decode()
    assert "<h1>Not yours to do</h1>" in answer.content.decode()


def test_domain_error_under_api_is_a_problem() -> None:
    answer = _answer("/api/v1/x/", NotFound("No such batch.", batch="7"))

    assert answer["Content-Type"] == "application/problem+json"
    assert json.loads(answer.content) == {
        "type": "about:blank",
        "title": "Nothing here",
        "status": 404,
        "detail": "No such batch.",
        "code": "not_found",
        "batch": "7",
    }


def test_domain_error_of_a_fragment_is_an_alert() -> None:
    answer = _answer("/work/", Forbidden("Not now."), HX_Request="true")

    assert answer.content.decode().startswith('<div class="alert bad" role="alert"')


def test_visitor_of_a_page_is_led_to_the_sign_in_and_back() -> None:
    answer = _answer("/earnings/?state=paid", NotSignedIn("Please sign in first."))

    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=%2Fearnings%2F%3Fstate%3Dpaid"


def test_fragment_without_a_session_is_refused_and_not_redirected() -> None:
    answer = _answer("/earnings/", NotSignedIn("Please sign in first."), HX_Request="true")

    assert answer.status_code == 401


def test_lost_database_is_a_503_that_says_when_to_come_back() -> None:
    answer = _answer("/", OperationalError("server closed the connection"))

    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "Nothing was changed." in answer.content.decode()


def test_database_lost_outside_a_view_is_a_503_too(rf: RequestFactory) -> None:
    try:
        raise OperationalError  # noqa: TRY301
    except OperationalError:
        answer = server_error(rf.get("/"))

    assert (answer.status_code, answer["Retry-After"]) == (503, "10")


def test_bug_is_a_500_without_details(rf: RequestFactory) -> None:
    try:
        raise ZeroDivisionError("secret")  # noqa: TRY301
    except ZeroDivisionError:
        answer = server_error(rf.get("/"))

    assert answer.status_code == 500
    assert "secret" not in answer.content.decode()


def test_other_errors_are_left_to_django(rf: RequestFactory) -> None:
    middleware = ErrorsMiddleware(lambda _: HttpResponse())

    assert middleware.process_exception(rf.get("/"), ZeroDivisionError()) is None


def test_error_page_keeps_the_theme(rf: RequestFactory) -> None:
    request: HttpRequest = rf.get("/nowhere/")
    request.COOKIES["theme"] = "dark"

    assert 'data-theme="dark"' in page_not_found(request, Exception()).content.decode()


@pytest.mark.django_db
def test_unknown_address_is_a_404(client: Client) -> None:
    answer = client.get("/nowhere/")

    assert answer.status_code == 404
    assert "<h1>Nothing here</h1>" in answer.content.decode()


@pytest.mark.django_db
def test_form_without_its_token_is_told_to_reload() -> None:
    answer = Client(enforce_csrf_checks=True).post("/accounts/logout/")

    assert answer.status_code == 403
    assert "This form is too old." in answer.content.decode()


def test_process_answers_without_a_database(client: Client) -> None:
    assert client.get("/healthz").content == b"ok"


@pytest.mark.django_db
def test_instance_is_ready_when_it_is_migrated(client: Client) -> None:
    assert client.get("/readyz").json() == {"ready": True, "degraded": []}


@pytest.mark.django_db
def test_pages_may_not_use_devices(client: Client) -> None:
    assert "camera=()" in client.get("/welcome/").headers["Permissions-Policy"]


@pytest.mark.django_db
def test_signing_out_drops_what_the_browser_kept(client: Client) -> None:
    client.force_login(make.user())

    assert client.post("/accounts/logout/").headers["Clear-Site-Data"] == '"storage"'
    assert "Clear-Site-Data" not in client.get("/welcome/").headers


def test_unknown_address_under_debug_is_our_page_too(client: Client, settings: Settings) -> None:
    settings.DEBUG = True

    page = client.get("/no/such/address/")
    api = client.get("/api/v1/no/such/address/")

    assert page.status_code == 404
    assert "<h1>Nothing here</h1>" in page.content.decode()
    assert "/accounts/" not in page.content.decode()
    assert api.json()["code"] == "http_404"
    assert client.get("/work").headers["Location"] == "/work/"  # slashes are still added
