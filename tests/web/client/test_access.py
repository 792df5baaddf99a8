"""Who may open a client's pages, and who may act on them."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import make
from tests.browser.client_world import PAGES, build_client_world
from tests.make import usd
from tests.web.client.visit import at, member, signed_in

pytestmark = pytest.mark.django_db


def test_strangers_members_of_others_and_staff_find_nothing() -> None:
    world = build_client_world()
    stranger = signed_in(world.newcomer)

    answers = {
        stranger.get(page.url(world)).status_code for page in PAGES if page.who != "newcomer"
    }

    assert answers == {404}


def test_visitors_are_led_to_the_sign_in() -> None:
    client = make.organization()

    response = Client().get(at(client, "overview"))

    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next=%2Fo%2F{client.slug}%2F"


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("owner", {"sample", "approve_many", "pay", "set_role"}),
        ("manager", {"sample", "approve_many", "set_role"}),
        ("reviewer", {"approve_many"}),
        ("viewer", set()),
        ("billing", {"pay"}),
    ],
)
def test_each_role_acts_where_it_may_and_is_refused_elsewhere(role: str, allowed: set[str]) -> None:
    client = make.organization()
    who = member(client, "viewer")
    person = client.memberships.get(role="owner").user if role == "owner" else member(client, role)
    browser = signed_in(person)
    urls = {name: at(client, name) for name in ("sample", "approve_many", "pay")}
    urls["set_role"] = at(client, "set_role", user_id=who.pk)

    refused = {name for name, url in urls.items() if browser.post(url).status_code == 403}

    assert refused == set(urls) - allowed


def test_every_member_may_look_at_the_reading_pages() -> None:
    client = make.organization()
    browser = signed_in(member(client, "billing"))
    names = ("overview", "projects", "review", "exports", "billing", "members", "keys")

    answers = {browser.get(at(client, name)).status_code for name in names}

    assert answers == {200}


def test_a_row_of_another_client_is_not_there_under_ones_own_address() -> None:
    project = make.project()
    batch = make.ready_batch(of=project)
    sent = make.submitted(make.open_batch(of=project, tasks=1, answers=1))
    own = make.funded_organization(usd(1_000))
    browser = signed_in(own.memberships.get(role="owner").user)

    answers = {
        browser.get(at(own, "project", project_id=project.pk)).status_code,
        browser.get(at(own, "batch", batch_id=batch.pk)).status_code,
        browser.get(at(own, "review_item", assignment_id=sent.pk)).status_code,
        browser.post(at(own, "move_batch", batch_id=batch.pk, to="open")).status_code,
    }

    assert answers == {404}


def test_clients_see_pseudonyms_only() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    ada = make.expert("Ada Lovelace")
    make.join(ada, batch.project)
    sent = make.submitted(batch, by=ada)
    client = batch.project.organization
    browser = signed_in(client.memberships.get(role="owner").user)

    pages = [
        browser.get(url).content.decode()
        for url in (
            at(client, "review"),
            at(client, "review_item", assignment_id=sent.pk),
            at(client, "project", project_id=batch.project_id),
        )
    ]

    assert all("expert-" in page for page in pages)
    hidden = ("Lovelace", ada.pseudonym, str(ada.pk), ada.user.email)
    assert [word for word in hidden if any(word in page for page in pages)] == []
