"""Invitations, roles, and who may hand them out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.events.models import Event
from marketplace.kit.errors import Forbidden, InvalidInput, NotFound
from marketplace.organizations.access import membership_role
from marketplace.organizations.models import Invitation
from marketplace.organizations.services.membership import (
    AlreadyMember,
    InvitationExpired,
    LastOwner,
    accept_invitation,
    change_role,
    invite_member,
    remove_member,
    withdraw_invitation,
)
from tests.organizations import make
from tests.people import make as people
from tests.people.make import NOON

pytestmark = pytest.mark.django_db


def test_invited_person_joins_in_the_role_offered() -> None:
    lin, kim = people.user(), people.user("kim@example.org")
    lab = make.organization(lin)

    _, token = invite_member(
        organization=lab, email=" KIM@example.org ", role="reviewer", by=lin, at=NOON
    )
    accept_invitation(token=token, user=kim, at=NOON)

    assert membership_role(kim, lab) == "reviewer"
    assert Event.objects.get(kind="member.joined").actor == kim.pk
    assert token not in str(Invitation.objects.values())


def test_invitation_is_for_the_invited_address_only() -> None:
    lin, eve = people.user(), people.user()
    lab = make.organization(lin)
    _, token = invite_member(
        organization=lab, email="kim@example.org", role="viewer", by=lin, at=NOON
    )

    with pytest.raises(NotFound):
        accept_invitation(token=token, user=eve, at=NOON)


def test_invitation_works_once() -> None:
    lin, kim = people.user(), people.user()
    lab = make.organization(lin)
    _, token = invite_member(organization=lab, email=kim.email, role="viewer", by=lin, at=NOON)
    accept_invitation(token=token, user=kim, at=NOON)
    remove_member(organization=lab, user=kim, by=lin, at=NOON)

    with pytest.raises(AlreadyMember):
        accept_invitation(token=token, user=kim, at=NOON)


def test_invitation_expires_after_fourteen_days() -> None:
    lin, kim = people.user(), people.user()
    _, token = invite_member(
        organization=make.organization(lin), email=kim.email, role="viewer", by=lin, at=NOON
    )

    with pytest.raises(InvitationExpired):
        accept_invitation(token=token, user=kim, at=NOON + timedelta(days=14))


def test_withdrawn_or_replaced_invitation_is_useless() -> None:
    lin, kim = people.user(), people.user()
    lab = make.organization(lin)
    _, first = invite_member(organization=lab, email=kim.email, role="viewer", by=lin, at=NOON)
    second, second_token = invite_member(
        organization=lab, email=kim.email, role="viewer", by=lin, at=NOON
    )
    for _ in range(2):
        withdraw_invitation(invitation=second, by=lin, at=NOON)

    assert Event.objects.filter(kind="invitation.withdrawn").count() == 1
    for token in (first, second_token):
        with pytest.raises(InvitationExpired):
            accept_invitation(token=token, user=kim, at=NOON)


def test_member_is_not_invited_again() -> None:
    lin = people.user()
    lab = make.organization(lin)

    with pytest.raises(AlreadyMember):
        invite_member(organization=lab, email=lin.email, role="viewer", by=lin, at=NOON)


@pytest.mark.parametrize("role", ["reviewer", "viewer", "billing"])
def test_members_who_do_not_manage_cannot_invite(role: str) -> None:
    lab = make.organization()
    kim = make.member(lab, role)

    with pytest.raises(Forbidden):
        invite_member(organization=lab, email="eve@example.org", role="viewer", by=kim, at=NOON)


def test_stranger_cannot_tell_that_the_organization_exists() -> None:
    lab, eve = make.organization(), people.user()

    with pytest.raises(NotFound):
        invite_member(organization=lab, email="x@example.org", role="viewer", by=eve, at=NOON)


def test_manager_makes_no_owner_and_unmakes_none() -> None:
    lab = make.organization()
    lin, kim = make.owner_of(lab), make.member(lab, "manager")

    with pytest.raises(Forbidden):
        invite_member(organization=lab, email="x@example.org", role="owner", by=kim, at=NOON)
    with pytest.raises(Forbidden):
        change_role(organization=lab, user=kim, role="owner", by=kim, at=NOON)
    with pytest.raises(Forbidden):
        remove_member(organization=lab, user=lin, by=kim, at=NOON)

    assert membership_role(lin, lab) == "owner"


def test_unknown_role_is_refused() -> None:
    lab = make.organization()

    with pytest.raises(InvalidInput):
        invite_member(
            organization=lab,
            email="x@example.org",
            role="boss",
            by=make.owner_of(lab),
            at=NOON,
        )


def test_organization_keeps_an_owner() -> None:
    lab = make.organization()
    lin, kim = make.owner_of(lab), make.member(lab, "manager")

    with pytest.raises(LastOwner):
        remove_member(organization=lab, user=lin, by=lin, at=NOON)
    with pytest.raises(LastOwner):
        change_role(organization=lab, user=lin, role="viewer", by=lin, at=NOON)
    change_role(organization=lab, user=kim, role="owner", by=lin, at=NOON)
    remove_member(organization=lab, user=lin, by=lin, at=NOON)

    assert (membership_role(lin, lab), membership_role(kim, lab)) == (None, "owner")


def test_member_may_leave() -> None:
    lab = make.organization()
    kim = make.member(lab, "viewer")

    remove_member(organization=lab, user=kim, by=kim, at=NOON)

    assert membership_role(kim, lab) is None
    assert Event.objects.get(kind="member.left").actor == kim.pk


def test_stranger_has_no_role_to_change() -> None:
    lab, eve = make.organization(), people.user()

    with pytest.raises(NotFound):
        change_role(organization=lab, user=eve, role="viewer", by=make.owner_of(lab), at=NOON)
