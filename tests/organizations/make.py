"""Lin (client), her organisation, its members and keys, all through the verbs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from uuid import UUID

from marketplace.organizations.models import ApiKey, Organization
from marketplace.organizations.services.founding import found_organization
from marketplace.organizations.services.keys import create_api_key
from marketplace.organizations.services.membership import accept_invitation, invite_member
from marketplace.people.models import User
from tests.people import make as people
from tests.people.make import NOON

_numbers = count(1)


def organization(owner: User | None = None, *, slug: str = "") -> Organization:
    """A lab with an owner."""
    return found_organization(
        name="Lin's Lab",
        slug=slug or f"lab-{next(_numbers)}",
        owner=owner or people.user(),
        at=NOON,
    )


def owner_of(organization: Organization) -> User:
    """Its first owner."""
    return User.objects.get(memberships__organization=organization, memberships__role="owner")


def member(organization: Organization, role: str) -> User:
    """Somebody who was invited in that role and came."""
    person = people.user()
    _, token = invite_member(
        organization=organization,
        email=person.email,
        role=role,
        by=owner_of(organization),
        at=NOON,
    )
    accept_invitation(token=token, user=person, at=NOON)
    return person


def api_key(
    organization: Organization,
    scopes: Sequence[str] = ("tasks:write",),
    *,
    project_ids: Sequence[UUID] = (),
) -> tuple[ApiKey, str]:
    """A key good for thirty days, with its full text."""
    return create_api_key(
        organization=organization,
        name=f"key {next(_numbers)}",
        scopes=scopes,
        expires_at=NOON + timedelta(days=30),
        by=owner_of(organization),
        at=NOON,
        project_ids=project_ids,
    )
