"""Profile, appearance and new organisations over HTTP."""

from __future__ import annotations

import pytest
from django.test import Client

from marketplace.organizations.models import Membership
from marketplace.people.models import ConsentRecord, Expert, User
from marketplace.people.services.consenting import publish_document
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
PROFILE = {
    "display_name": "Ada Expert",
    "headline": "Statistics",
    "country": "DE",
    "languages": "en, de",
    "time_zone": "Europe/Berlin",
}


def enter(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_profile_makes_an_expert() -> None:
    user = make.user("Ada")

    saved = enter(user).post("/account/", PROFILE)

    expert = Expert.objects.get(user=user)
    assert saved.headers["Location"] == "/"
    assert (expert.country, expert.languages, expert.headline) == ("DE", ["en", "de"], "Statistics")


def test_profile_asks_for_the_texts_in_force_and_keeps_what_was_agreed() -> None:
    user = make.user("Ada")
    terms = publish_document(
        kind="contractor",
        title="Contractor terms",
        body="You are free to refuse work.",
        effective_from=NOON,
        by=make.user(),
        at=NOON,
    )
    client = enter(user)

    refused = client.post("/account/", PROFILE)
    assert "Please read and agree to: Contractor terms." in refused.content.decode()
    assert not Expert.objects.filter(user=user).exists()

    client.post("/account/", {**PROFILE, f"agree-{terms.pk}": terms.sha256})
    consent = ConsentRecord.objects.get(user=user)
    assert (consent.document, consent.shown_hash, consent.act) == (terms, terms.sha256, "granted")


def test_profile_says_what_is_wrong_at_its_field() -> None:
    refused = enter(make.user()).post("/account/", {**PROFILE, "country": "1!"})

    assert refused.status_code == 422
    assert "Choose a country." in refused.content.decode()


def test_who_founds_an_organisation_owns_it() -> None:
    user = make.user("Lin")

    made = enter(user).post("/account/organizations/new/", {"name": "Lab", "slug": "lab-north"})

    assert made.headers["Location"] == "/o/lab-north/"
    assert Membership.objects.get(user=user).role == "owner"


def test_taken_address_is_said_at_the_form() -> None:
    taken = make.organization().slug

    refused = enter(make.user()).post("/account/organizations/new/", {"name": "B", "slug": taken})

    assert refused.status_code == 422
    assert f"The address {taken} is taken." in refused.content.decode()


def test_theme_is_one_word_of_the_list() -> None:
    client = enter(make.user())

    client.post("/account/appearance/", {"theme": "dark", "shortcuts": "off"})
    page = client.get("/account/appearance/").content.decode()
    assert '<html lang="en" data-theme="dark" data-shortcuts="off">' in page

    client.cookies["theme"] = "<script>"
    page = client.get("/account/appearance/").content.decode()
    assert '<html lang="en" data-theme="auto" data-shortcuts="off">' in page


def test_account_pages_are_for_people_who_signed_in(client: Client) -> None:
    assert client.get("/account/").headers["Location"].startswith("/accounts/login/")


def test_styleguide_is_for_staff_where_debug_is_off(settings, client: Client) -> None:
    settings.DEBUG = False

    assert client.get("/styleguide/").status_code == 404
