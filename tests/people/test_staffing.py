"""Who runs the instance, and what each role lets them see."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from marketplace.events.models import Event
from marketplace.kit.errors import Forbidden, InvalidInput, NotFound
from marketplace.people import access
from marketplace.people.models import User
from marketplace.people.services.consenting import give_consent
from marketplace.people.services.deciding import Subject, record_decision
from marketplace.people.services.staffing import grant_role, revoke_role
from tests.people import make
from tests.people.make import NOON

pytestmark = pytest.mark.django_db


def test_role_makes_staff_and_its_end_unmakes_them() -> None:
    root = make.superuser()
    sam = make.staff("finance", by=root)

    assert access.staff_roles(User.objects.get(pk=sam.pk)) == {"finance"}
    revoke_role(user=sam, role="finance", by=root, at=NOON)

    assert not User.objects.get(pk=sam.pk).is_staff
    assert access.staff_roles(sam) == frozenset()
    kinds = ["staff_role.granted", "staff_role.revoked"]
    assert (
        list(
            Event.objects.filter(object_id=sam.pk, actor=root.pk)
            .order_by("id")
            .values_list("kind", flat=True)
        )
        == kinds
    )


def test_role_granted_twice_is_one_role_and_one_event() -> None:
    root = make.superuser()
    sam = make.staff("support", by=root)

    grant_role(user=sam, role="support", by=root, at=NOON)

    assert sam.staff_roles.count() == 1
    assert Event.objects.filter(kind="staff_role.granted").count() == 1


def test_role_that_nobody_has_is_revoked_without_an_event() -> None:
    eve = make.user()

    revoke_role(user=eve, role="support", by=make.superuser(), at=NOON)

    assert not Event.objects.filter(kind="staff_role.revoked").exists()


def test_staff_with_another_role_left_stay_staff() -> None:
    root = make.superuser()
    sam = make.staff("support", by=root)
    grant_role(user=sam, role="auditor", by=root, at=NOON)

    revoke_role(user=sam, role="support", by=root, at=NOON)

    assert access.staff_roles(sam) == {"auditor"}


def test_staff_cannot_grant_roles() -> None:
    sam = make.staff("finance")

    with pytest.raises(Forbidden):
        grant_role(user=sam, role="auditor", by=sam, at=NOON)


def test_unknown_role_is_refused_with_the_known_ones() -> None:
    root = make.superuser()

    with pytest.raises(InvalidInput, match="auditor"):
        grant_role(user=make.user(), role="boss", by=root, at=NOON)


def test_superuser_is_made_by_command_and_found_in_any_case() -> None:
    root = User.objects.create_superuser("Root@Example.org", "nine green bottles")

    assert (root.is_staff, root.is_superuser, root.email) == (True, True, "root@example.org")
    assert User.objects.get_by_natural_key("ROOT@example.org") == root


def test_superuser_has_no_role_by_being_one() -> None:
    assert access.staff_roles(make.superuser()) == frozenset()


def test_stranger_is_not_told_what_staff_have_and_staff_are() -> None:
    sam, eve = make.staff("finance"), make.user()

    with pytest.raises(NotFound):
        access.require_staff(eve, "finance")
    with pytest.raises(NotFound):
        access.require_staff(AnonymousUser())
    with pytest.raises(Forbidden):
        access.require_staff(sam, "vetting", "quality")
    access.require_staff(sam)
    access.require_staff(sam, "vetting", "finance")


def test_closed_account_has_no_roles() -> None:
    sam = make.staff("finance")
    sam.is_active = False

    with pytest.raises(NotFound):
        access.require_staff(sam, "finance")


def test_signed_in_wants_a_person() -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    with pytest.raises(access.NotSignedIn):
        access.signed_in(request)

    request.user = ada = make.user()
    assert access.signed_in(request) == ada


def test_expert_of_is_the_profile_or_nothing() -> None:
    ada = make.expert()

    assert access.expert_of(ada.user) == ada
    assert access.expert_of(make.user()) is None
    assert access.expert_of(AnonymousUser()) is None


def test_people_see_themselves_and_strangers_see_nobody() -> None:
    ada, eve = make.expert(), make.expert()
    for expert in (ada, eve):
        record_decision(kind="x", subject=Subject("application", expert.pk, expert), at=NOON)
    record_decision(kind="x", subject=Subject("application", ada.pk), at=NOON)
    terms = make.document()
    for expert in (ada, eve):
        give_consent(
            user=expert.user, document=terms, shown_hash=terms.sha256, channel="web", at=NOON
        )

    assert list(access.visible_users(to=ada.user)) == [ada.user]
    assert list(access.visible_experts(to=ada.user)) == [ada]
    assert [row.expert for row in access.visible_decisions(to=ada.user)] == [ada]
    assert [row.user for row in access.visible_consents(to=ada.user)] == [ada.user]
    stranger = AnonymousUser()
    assert not access.visible_users(to=stranger).exists()
    assert not access.visible_experts(to=stranger).exists()
    assert not access.visible_decisions(to=stranger).exists()
    assert not access.visible_consents(to=stranger).exists()
    assert not access.visible_staff_roles(to=stranger).exists()
    assert list(access.visible_documents(to=stranger)) == [terms]


@pytest.mark.parametrize(
    ("role", "users", "experts", "consents", "decisions", "roles"),
    [
        ("vetting", True, True, True, True, False),
        ("quality", False, True, False, True, False),
        ("finance", True, True, False, True, False),
        ("support", True, True, True, True, True),
        ("auditor", False, True, True, True, True),
    ],
)
def test_each_staff_role_sees_what_its_work_needs(
    role: str, users: bool, experts: bool, consents: bool, decisions: bool, roles: bool
) -> None:
    root = make.superuser()
    sam, kim, ada = make.staff(role, by=root), make.staff("finance", by=root), make.expert()
    terms = make.document()
    give_consent(user=ada.user, document=terms, shown_hash=terms.sha256, channel="web", at=NOON)
    record_decision(kind="x", subject=Subject("application", ada.pk, ada), at=NOON)

    assert access.visible_users(to=sam).filter(pk=ada.user_id).exists() is users
    assert access.visible_experts(to=sam).filter(pk=ada.pk).exists() is experts
    assert access.visible_consents(to=sam).exists() is consents
    assert access.visible_decisions(to=sam).exists() is decisions
    assert access.visible_staff_roles(to=sam).filter(user=kim).exists() is roles
