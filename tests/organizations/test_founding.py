"""A client comes into being with its first owner."""

from __future__ import annotations

import pytest

from marketplace.events.models import Event
from marketplace.kit.errors import InvalidInput
from marketplace.organizations.access import membership_role
from marketplace.organizations.models import Organization
from marketplace.organizations.services.founding import SlugTaken, found_organization
from tests.organizations import make
from tests.people import make as people
from tests.people.make import NOON

pytestmark = pytest.mark.django_db


def test_founder_is_the_owner() -> None:
    lin = people.user()

    lab = make.organization(lin)

    assert membership_role(lin, lab) == "owner"
    assert Event.objects.get(kind="organization.founded").organization == lab.pk


def test_address_belongs_to_one_organization() -> None:
    make.organization(slug="lab")

    with pytest.raises(SlugTaken):
        make.organization(slug="lab")

    assert Organization.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "slug", "field"),
    [
        ("", "lab", "name"),
        ("Lab", "My Lab", "slug"),
        ("Lab", "-lab", "slug"),
        ("Lab", "lab\n", "slug"),
        ("Lab", "new", "slug"),
    ],
)
def test_name_and_address_are_checked(name: str, slug: str, field: str) -> None:
    lin = people.user()

    with pytest.raises(InvalidInput) as refusal:
        found_organization(name=name, slug=slug, owner=lin, at=NOON)

    assert [error["field"] for error in refusal.value.data["errors"]] == [field]
