"""People and programs that act for a client."""

from __future__ import annotations

import re

import pytest

from marketplace.organizations.models import ApiKey, Invitation
from marketplace.organizations.selectors import live_key
from tests import make
from tests.make import NOON
from tests.web.client.visit import at, member, owner_of, signed_in, words

pytestmark = pytest.mark.django_db


def test_invitation_link_is_shown_once_and_lets_its_person_join() -> None:
    client, guest = make.organization(), make.user("Gus Guest")
    browser = owner_of(client)

    made = words(browser.post(at(client, "members"), {"email": guest.email, "role": "reviewer"}))
    link = re.search(r'data-copy="http://testserver([^"]+)"', made)
    assert link is not None
    again = words(browser.get(at(client, "members")))
    joined = signed_in(guest).post(link[1], follow=True)

    assert link[1] not in again
    assert client.memberships.get(user=guest).role == "reviewer"
    assert f"You are reviewer of {client.name} now." in words(joined)


def test_invitation_of_somebody_else_is_not_there() -> None:
    client = make.organization()
    made = words(
        owner_of(client).post(at(client, "members"), {"email": "a@example.org", "role": "viewer"})
    )
    link = re.search(r'data-copy="http://testserver([^"]+)"', made)
    assert link is not None

    response = signed_in(make.user("Eve Stranger")).post(link[1])

    assert response.status_code == 404


def test_role_is_changed_and_a_member_removed() -> None:
    client = make.organization()
    who, browser = member(client, "viewer"), owner_of(client)

    browser.post(at(client, "set_role", user_id=who.pk), {"role": "manager"})
    role = client.memberships.get(user=who).role
    browser.post(at(client, "remove_member", user_id=who.pk))

    assert role == "manager"
    assert not client.memberships.filter(user=who).exists()


def test_last_owner_cannot_leave() -> None:
    client = make.organization()
    owner = client.memberships.get().user

    page = words(owner_of(client).post(at(client, "remove_member", user_id=owner.pk), follow=True))

    assert client.memberships.count() == 1
    assert f"{client.name} needs an owner." in page


def test_member_is_removed_after_a_question() -> None:
    client = make.organization()
    other = member(client, "viewer")

    page = words(owner_of(client).get(at(client, "members")))

    before, dialog = page.split(f'<dialog id="remove-{other.pk}"')
    where = at(client, "remove_member", user_id=other.pk)
    assert where not in before
    assert where in dialog
    assert f"Remove {other.name}?" in dialog


def test_members_may_leave_by_themselves_and_remove_nobody_else() -> None:
    client = make.organization()
    one, other = member(client, "viewer"), member(client, "viewer")
    browser = signed_in(one)

    browser.post(at(client, "remove_member", user_id=other.pk))
    browser.post(at(client, "remove_member", user_id=one.pk))

    assert client.memberships.filter(user=other).exists()
    assert not client.memberships.filter(user=one).exists()


def test_invitation_is_withdrawn() -> None:
    client, browser = (made := make.organization()), owner_of(made)
    browser.post(at(client, "members"), {"email": "a@example.org", "role": "viewer"})
    found = Invitation.objects.get()

    browser.post(at(client, "withdraw_invitation", invitation_id=found.pk))

    found.refresh_from_db()
    assert found.withdrawn_at == NOON


def test_key_is_shown_once_opens_what_it_says_and_is_revoked() -> None:
    project = make.project()
    client, browser = project.organization, owner_of(project.organization)
    values = {"name": "Nightly", "scopes": ["tasks:write"], "days": 30, "projects": [project.pk]}

    made = browser.post(at(client, "keys"), values)
    text = re.search(r'data-copy="(guild_live_[^"]+)"', words(made))
    assert text is not None
    key = live_key(token=text[1], at=NOON)
    assert key is not None
    again = words(browser.get(at(client, "keys")))
    browser.post(at(client, "revoke_key", key_id=key.pk))

    assert made["Cache-Control"] == "no-store"
    assert (key.scopes, key.project_ids) == (["tasks:write"], [project.pk])
    assert text[1] not in again
    assert live_key(token=text[1], at=NOON) is None


def test_viewers_see_that_keys_exist_and_make_none() -> None:
    client = make.organization()
    browser = signed_in(member(client, "viewer"))

    refused = browser.post(at(client, "keys"), {"name": "Nightly"})

    assert refused.status_code == 403
    assert "New key" not in words(browser.get(at(client, "keys")))
    assert not ApiKey.objects.exists()
