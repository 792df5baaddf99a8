"""Signing up and in, by password and by code, through the pages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape
from pytest_django.fixtures import Settings

from marketplace.people.models import User
from tests.people import make
from tests.people.make import PASSWORD, last_mail

pytestmark = pytest.mark.django_db


def _sign_up(client: Client, email: str, password: str = PASSWORD) -> str:
    """Post the form; returns where it leads."""
    form = {"email": email, "password1": password, "password2": password}
    response = client.post("/accounts/signup/", form)
    return response.headers.get("Location", "")


def _code() -> str:
    """The code in the newest message: it stands alone on its line."""
    found = re.search(r"^\s*([A-Z0-9]{3,}(?:-[A-Z0-9]{3,})*)\s*$", last_mail(), re.MULTILINE)
    assert found, last_mail()
    return found[1]


def _is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_sign_up_is_done_when_the_code_from_the_mail_is_entered() -> None:
    client = Client()

    where = _sign_up(client, "Ada@Example.org")
    assert where == "/accounts/confirm-email/"
    assert not _is_signed_in(client)
    client.post(where, {"code": _code()})

    assert _is_signed_in(client)
    ada = User.objects.get()
    assert (ada.email, ada.is_staff, ada.memberships.count()) == ("ada@example.org", False, 0)


def test_sign_up_with_a_wrong_code_opens_nothing() -> None:
    client = Client()
    where = _sign_up(client, "ada@example.org")

    client.post(where, {"code": "BBBB-BBBB"})

    assert not _is_signed_in(client)


@pytest.mark.parametrize("password", ["short", "password1234", "ada@example.org"])
def test_weak_password_is_refused(password: str) -> None:
    assert _sign_up(Client(), "ada@example.org", password) == ""
    assert not User.objects.exists()


def test_sign_up_does_not_tell_that_an_address_is_known() -> None:
    make.user("ada@example.org")

    known = _sign_up(Client(), "ada@example.org")
    unknown = _sign_up(Client(), "eve@example.org")

    assert known == unknown == "/accounts/confirm-email/"
    assert [message.to for message in mail.outbox] == [["ada@example.org"], ["eve@example.org"]]
    assert User.objects.count() == 2


def test_password_opens_the_account_in_any_case_of_the_address() -> None:
    make.user("ada@example.org")
    client = Client()

    client.post("/accounts/login/", {"login": "ADA@example.org", "password": PASSWORD})

    assert _is_signed_in(client)


def test_wrong_password_and_unknown_address_read_the_same() -> None:
    make.user("ada@example.org")

    wrong = Client().post("/accounts/login/", {"login": "ada@example.org", "password": "x" * 12})
    unknown = Client().post("/accounts/login/", {"login": "eve@example.org", "password": "x" * 12})

    assert wrong.status_code == unknown.status_code == 200
    assert _told(wrong.content, "ada@example.org") == _told(unknown.content, "eve@example.org")


def _told(page: bytes, address: str) -> str:
    """The page without what is random in it and what the person typed."""
    text = page.decode().replace(escape(address), "")
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", text)


def test_closed_account_stays_closed() -> None:
    ada = make.user("ada@example.org")
    ada.is_active = False
    ada.save(update_fields=["is_active"])

    client = make.signed_in(ada)

    assert not _is_signed_in(client)


def test_guessing_locks_the_account_for_the_right_password_too() -> None:
    ada = make.user("ada@example.org")
    for number in range(5):
        Client(REMOTE_ADDR=f"198.51.100.{number}").post(
            "/accounts/login/", {"login": ada.email, "password": f"guess number {number}"}
        )

    client = Client()
    response = client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})

    assert response.status_code == 200
    assert not _is_signed_in(client)


def test_forged_forwarding_header_hides_nobody_from_the_limit() -> None:
    for number in range(10):
        Client().post(
            "/accounts/login/",
            {"login": f"person{number}@example.org", "password": "a wrong one"},
            headers={"X-Forwarded-For": f"203.0.113.{number}"},
        )
    ada = make.user("ada@example.org")
    client = Client(headers={"X-Forwarded-For": "203.0.113.99"})

    client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})

    assert not _is_signed_in(client)


def test_code_from_the_mail_opens_the_account() -> None:
    make.user("ada@example.org")
    client = Client()

    client.post("/accounts/login/code/", {"email": "ada@example.org"})
    client.post("/accounts/login/code/confirm/", {"code": _code()})

    assert _is_signed_in(client)


def test_code_for_an_unknown_address_leads_to_the_same_page() -> None:
    make.user("ada@example.org")

    known = Client().post("/accounts/login/code/", {"email": "ada@example.org"})
    unknown = Client().post("/accounts/login/code/", {"email": "eve@example.org"})

    assert known.headers["Location"] == unknown.headers["Location"]
    assert not User.objects.filter(email="eve@example.org").exists()


def test_code_may_be_guessed_three_times() -> None:
    make.user("ada@example.org")
    client = Client()
    client.post("/accounts/login/code/", {"email": "ada@example.org"})
    right = _code()
    for _ in range(3):
        client.post("/accounts/login/code/confirm/", {"code": "BBBB-BBBB"})

    client.post("/accounts/login/code/confirm/", {"code": right})

    assert not _is_signed_in(client)


def test_reset_does_not_tell_that_an_address_is_known() -> None:
    make.user("ada@example.org")

    known = Client().post("/accounts/password/reset/", {"email": "ada@example.org"})
    unknown = Client().post("/accounts/password/reset/", {"email": "eve@example.org"})

    assert known.status_code == unknown.status_code == 302
    assert known.headers["Location"] == unknown.headers["Location"]


def test_sign_out_ends_the_session() -> None:
    client = make.signed_in(make.user())

    client.post("/accounts/logout/")

    assert not _is_signed_in(client)


def test_other_session_can_be_ended_from_the_list() -> None:
    ada = make.user()
    phone, laptop = make.signed_in(ada), make.signed_in(ada)
    laptop.get("/accounts/sessions/")

    laptop.post("/accounts/sessions/")

    assert laptop.get("/accounts/sessions/").status_code == 200
    assert phone.get("/accounts/sessions/").status_code == 302


def test_session_of_staff_ends_after_eight_hours() -> None:
    sam, ada = make.staff("finance"), make.user()

    staff_session, other = make.signed_in(sam), make.signed_in(ada)
    for client in (staff_session, other):
        client.get("/accounts/2fa/")

    assert 0 < staff_session.session.get_expiry_age() <= timedelta(hours=8).total_seconds()
    assert other.session.get_expiry_age() == timedelta(days=14).total_seconds()


def test_mail_calls_the_instance_by_its_name(settings: Settings) -> None:
    settings.SITE_URL = "https://work.example.org"
    settings.DEFAULT_FROM_EMAIL = "Northern Guild <no-reply@work.example.org>"

    _sign_up(Client(), "ada@example.org")

    assert "Hello from Northern Guild!" in last_mail()
    assert "testserver" not in last_mail()
    assert "work.example.org" in last_mail()


def _tracking(client: Client, **headers: str) -> int:
    """How many statements of a request are about the list of devices."""
    with CaptureQueriesContext(connection) as seen:
        client.get("/account/", headers=headers)
    return sum("usersessions" in each["sql"] for each in seen)


def test_a_device_is_listed_once_a_while_and_when_it_changes() -> None:
    client = Client()
    client.force_login(make.user("ada@example.org"))
    client.get("/account/")

    again = _tracking(client)
    other = _tracking(client, user_agent="Another browser")

    assert (again, other > 0) == (0, True)
    assert UserSession.objects.get().user_agent == "Another browser"
