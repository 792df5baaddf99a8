"""Who sees and may do what for an organisation."""

from __future__ import annotations

from datetime import date

import pytest
from django.contrib.auth.models import AnonymousUser

from marketplace.kit.errors import Forbidden, NotFound
from marketplace.organizations import access
from marketplace.organizations.services.employing import begin_employment
from marketplace.organizations.services.membership import invite_member
from tests.organizations import make
from tests.people import make as people
from tests.people.make import NOON

pytestmark = pytest.mark.django_db


def test_stranger_gets_not_found_and_member_without_role_forbidden() -> None:
    lab, other = make.organization(), make.organization()
    viewer = make.member(lab, "viewer")

    with pytest.raises(NotFound):
        access.require_role(make.owner_of(other), lab, "owner")
    with pytest.raises(NotFound):
        access.require_role(AnonymousUser(), lab)
    with pytest.raises(Forbidden, match=r"owner or manager; yours in Lin's Lab is viewer"):
        access.require_role(viewer, lab, "owner", "manager")
    access.require_role(viewer, lab)
    access.require_role(viewer, lab, "viewer")


def test_closed_account_has_no_role() -> None:
    lab = make.organization()
    lin = make.owner_of(lab)
    lin.is_active = False

    assert access.membership_role(lin, lab) is None


def test_members_see_their_own_organization_only() -> None:
    lab, other = make.organization(), make.organization()
    lin, viewer = make.owner_of(lab), make.member(lab, "viewer")
    for one in (lab, other):
        make.api_key(one)
        owner = make.owner_of(one)
        invite_member(organization=one, email="x@example.org", role="viewer", by=owner, at=NOON)

    assert list(access.visible_organizations(to=viewer)) == [lab]
    assert {row.user for row in access.visible_memberships(to=viewer)} == {lin, viewer}
    assert [row.organization for row in access.visible_api_keys(to=viewer)] == [lab]
    assert not access.visible_invitations(to=viewer).exists()
    invitations = access.visible_invitations(to=lin).filter(accepted_at=None)
    assert [row.organization for row in invitations] == [lab]


def test_strangers_see_nothing() -> None:
    lab, ada = make.organization(), people.expert()
    make.api_key(lab)
    make.member(lab, "viewer")
    begin_employment(expert=ada, workforce="volunteer", from_date=date(2026, 1, 1), at=NOON)

    for stranger in (AnonymousUser(), people.user()):
        assert not access.visible_organizations(to=stranger).exists()
        assert not access.visible_memberships(to=stranger).exists()
        assert not access.visible_invitations(to=stranger).exists()
        assert not access.visible_api_keys(to=stranger).exists()
        assert not access.visible_employments(to=stranger).exists()


def test_key_sees_its_organization_and_itself() -> None:
    lab = make.organization()
    key, _ = make.api_key(lab)
    make.api_key(lab)
    make.api_key(make.organization())

    assert list(access.visible_organizations(to=key)) == [lab]
    assert list(access.visible_api_keys(to=key)) == [key]
    assert not access.visible_memberships(to=key).exists()
    assert not access.visible_invitations(to=key).exists()
    assert not access.visible_employments(to=key).exists()
    assert access.membership_role(key, lab) is None


@pytest.mark.parametrize(
    ("role", "organizations", "members", "keys", "employments"),
    [
        ("vetting", True, False, False, False),
        ("quality", True, False, False, False),
        ("finance", True, False, False, True),
        ("support", True, True, True, True),
        ("auditor", True, True, True, True),
    ],
)
def test_each_staff_role_sees_what_its_work_needs(
    role: str, organizations: bool, members: bool, keys: bool, employments: bool
) -> None:
    sam, lab, ada = people.staff(role), make.organization(), people.expert()
    make.api_key(lab)
    make.member(lab, "viewer")
    begin_employment(expert=ada, workforce="volunteer", from_date=date(2026, 1, 1), at=NOON)

    assert access.visible_organizations(to=sam).exists() is organizations
    assert access.visible_memberships(to=sam).exists() is members
    assert access.visible_invitations(to=sam).exists() is members
    assert access.visible_api_keys(to=sam).exists() is keys
    assert access.visible_employments(to=sam).exists() is employments


@pytest.mark.parametrize(
    ("role", "is_guarded"),
    [
        ("owner", True),
        ("manager", True),
        ("billing", True),
        ("reviewer", False),
        ("viewer", False),
    ],
)
def test_who_holds_keys_or_money_needs_a_second_factor(role: str, is_guarded: bool) -> None:
    lab = make.organization()
    person = make.owner_of(lab) if role == "owner" else make.member(lab, role)
    client = people.signed_in(person)

    response = client.get("/")

    assert (response.headers.get("Location") == "/accounts/2fa/") is is_guarded
