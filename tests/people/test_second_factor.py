"""Second factors: who needs one, what it guards, and how it cannot be lost or replayed."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from pytest_django.fixtures import Settings

from marketplace.people.receivers import LastFactor
from tests.people import make
from tests.people.make import PASSWORD, last_mail

pytestmark = pytest.mark.django_db
# allauth's code generators read the machine's clock: the tests stop it.
SECOND = 1_795_000_000
PERIOD = 30


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The second that code generators see; tests move it by assignment."""
    seconds = [SECOND]
    stopped = SimpleNamespace(time=lambda: seconds[0])
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.time", stopped)
    return seconds


def _password(client: Client, email: str) -> str:
    """Give the password; returns where it leads."""
    response = client.post("/accounts/login/", {"login": email, "password": PASSWORD})
    return response.headers["Location"]


def _give(client: Client, code: str) -> bool:
    """Give the second factor; returns whether the account is open."""
    client.post("/accounts/2fa/authenticate/", {"code": code})
    return "_auth_user_id" in client.session


def test_staff_see_only_the_second_factor_pages_until_it_is_set(clock: list[int]) -> None:
    client = make.signed_in(make.staff("finance"))

    before = client.get("/")
    make.with_second_factor(client, at=SECOND)

    assert (before.status_code, before.headers["Location"]) == (302, "/accounts/2fa/")
    assert client.get("/accounts/2fa/").status_code == 200
    assert client.get("/").headers.get("Location") != "/accounts/2fa/"


def test_expert_needs_no_second_factor() -> None:
    client = make.signed_in(make.expert().user)

    assert client.get("/").headers.get("Location") != "/accounts/2fa/"


def test_programs_are_told_with_a_problem() -> None:
    client = make.signed_in(make.staff("finance"))

    response = client.get("/api/v1/anything")

    assert response.status_code == 403
    assert response.json()["code"] == "second_factor_needed"


def test_person_without_a_factor_may_leave() -> None:
    client = make.signed_in(make.staff("finance"))

    client.post("/accounts/logout/")

    assert "_auth_user_id" not in client.session


def test_demo_waives_the_second_factor(settings: Settings) -> None:
    settings.DEMO = True
    client = make.signed_in(make.staff("finance"))

    assert client.get("/").headers.get("Location") != "/accounts/2fa/"


def test_secret_is_sealed_in_the_database(clock: list[int]) -> None:
    client = make.signed_in(make.user())

    secret = make.with_second_factor(client, at=SECOND)

    kept = Authenticator.objects.get(type="totp").data["secret"]
    assert kept.startswith("k1:")
    assert secret not in kept


def test_password_alone_does_not_open_an_account_with_a_second_factor(clock: list[int]) -> None:
    ada = make.user()
    secret = make.with_second_factor(make.signed_in(ada), at=SECOND)
    client = Client()

    where = _password(client, ada.email)
    assert where == "/accounts/2fa/authenticate/"
    assert "_auth_user_id" not in client.session

    assert not _give(client, "000000")
    clock[0] += PERIOD
    assert _give(client, make.totp(secret, at=clock[0]))


def test_code_login_still_asks_the_second_factor(clock: list[int]) -> None:
    ada = make.user("ada@example.org")
    secret = make.with_second_factor(make.signed_in(ada), at=SECOND)
    client = Client()
    client.post("/accounts/login/code/", {"email": ada.email})
    code = re.search(r"^\s*([A-Z0-9]{3,}(?:-[A-Z0-9]{3,})*)\s*$", last_mail(), re.MULTILINE)
    assert code

    response = client.post("/accounts/login/code/confirm/", {"code": code[1]})

    assert response.headers["Location"] == "/accounts/2fa/authenticate/"
    assert "_auth_user_id" not in client.session
    assert _give(client, make.totp(secret, at=clock[0]))


@pytest.mark.parametrize("later", [0, 29, 31, 59])
def test_used_code_opens_no_second_session(clock: list[int], later: int) -> None:
    ada = make.user()
    secret = make.with_second_factor(make.signed_in(ada), at=SECOND)
    clock[0] = SECOND + 10 * PERIOD
    # The code of the coming period passes too, and so would pass longest.
    code = make.totp(secret, at=clock[0] + PERIOD)
    first, second = Client(), Client()
    _password(first, ada.email)
    _password(second, ada.email)
    assert _give(first, code)

    clock[0] += later
    # What allauth itself forgets after one period.
    cache.delete(f"allauth.mfa.totp.used?user={ada.pk}&code={code}")

    assert not _give(second, code)


def test_recovery_code_works_once(clock: list[int]) -> None:
    ada = make.user()
    browser = make.signed_in(ada)
    make.with_second_factor(browser, at=SECOND)
    page = browser.get("/accounts/2fa/recovery-codes/").content.decode()
    code = re.search(r"\b([0-9a-f]{8})\b", page)
    assert code
    first, second = Client(), Client()
    _password(first, ada.email)
    _password(second, ada.email)

    assert _give(first, code[1])
    assert not _give(second, code[1])


def test_last_factor_of_staff_cannot_be_switched_off(clock: list[int]) -> None:
    client = make.signed_in(make.staff("finance"))
    make.with_second_factor(client, at=SECOND)

    page = client.get("/accounts/2fa/totp/deactivate/").content.decode()
    client.post("/accounts/2fa/totp/deactivate/")

    assert "Your role needs a second factor" in page
    assert Authenticator.objects.filter(type="totp").count() == 1


def test_last_passkey_of_staff_cannot_be_removed() -> None:
    passkey = Authenticator.objects.create(user=make.staff("finance"), type="webauthn", data={})

    with pytest.raises(LastFactor), transaction.atomic():
        passkey.delete()

    assert Authenticator.objects.count() == 1


def test_one_of_two_factors_may_go() -> None:
    sam = make.staff("finance")
    passkey = Authenticator.objects.create(user=sam, type="webauthn", data={})
    Authenticator.objects.create(user=sam, type="totp", data={})

    passkey.delete()

    assert Authenticator.objects.get().type == "totp"


def test_recovery_codes_are_no_second_factor() -> None:
    sam = make.staff("finance")
    passkey = Authenticator.objects.create(user=sam, type="webauthn", data={})
    Authenticator.objects.create(user=sam, type="recovery_codes", data={})

    with pytest.raises(LastFactor), transaction.atomic():
        passkey.delete()


def test_who_needs_none_may_remove_it(clock: list[int]) -> None:
    client = make.signed_in(make.user())
    make.with_second_factor(client, at=SECOND)

    client.post("/accounts/2fa/totp/deactivate/")

    assert not Authenticator.objects.exists()


def test_admin_is_entered_by_the_common_door() -> None:
    stranger = Client().get("/admin/login/?next=/admin/")
    eve = make.signed_in(make.user())

    assert stranger.headers["Location"] == "/accounts/login/?next=%2Fadmin%2F"
    assert eve.get("/admin/login/").status_code == 403


def test_admin_shows_rows_and_changes_none(clock: list[int]) -> None:
    root = make.superuser()
    client = make.signed_in(root)
    make.with_second_factor(client, at=SECOND)

    assert client.get("/admin/people/user/").status_code == 200
    assert client.get("/admin/people/user/add/").status_code == 403
    assert client.post(f"/admin/people/user/{root.pk}/change/", {}).status_code == 403
    assert client.post(f"/admin/people/user/{root.pk}/delete/", {}).status_code == 403
