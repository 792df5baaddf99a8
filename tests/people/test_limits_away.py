"""The cache server is away: guesses cannot be counted, so none are taken; the rest goes on."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from tests.people import make
from tests.people.make import PASSWORD

pytestmark = pytest.mark.django_db
GONE = "unix:///nonexistent/valkey.sock?db=1"


@pytest.fixture
def ada(settings: Settings) -> Client:
    """Ada, who signed in before the cache server went away."""
    client = make.signed_in(make.user("ada@example.org"))
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": GONE}}
    return client


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    "name", ["login/", "signup/", "login/code/", "password/reset/", "2fa/authenticate/"]
)
def test_account_forms_ask_to_try_again(name: str) -> None:
    form = {"login": "ada@example.org", "password": PASSWORD}

    response = Client().post(f"/accounts/{name}", form)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "60"
    assert "try again in a minute" in response.content.decode()


def test_who_is_signed_in_works_on_and_may_leave(ada: Client) -> None:
    assert ada.get("/accounts/2fa/").status_code == 200

    assert ada.post("/accounts/logout/").status_code == 302
    assert "_auth_user_id" not in ada.session


def test_pages_with_the_forms_are_still_shown(ada: Client) -> None:
    assert Client().get("/accounts/login/").status_code == 200
