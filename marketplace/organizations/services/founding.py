"""A client comes into being."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.organizations.models import Membership, Organization
from marketplace.people.models import User

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# Words that stand, or may come to stand, where /o/<slug>/ has its slug.
_RESERVED = frozenset({"new", "admin", "api", "staff", "accounts", "static"})


class SlugTaken(DomainError):
    """Another organisation has this address."""

    code = "slug_taken"


@transaction.atomic
def found_organization(
    *, name: str, slug: str, owner: User, at: datetime, country: str = ""
) -> Organization:
    """Make a client with its first owner. `slug` is its address: `/o/<slug>/`."""
    errors = []
    if not name.strip():
        errors.append({"field": "name", "problem": "Give the organisation a name."})
    if not _SLUG.fullmatch(slug) or slug in _RESERVED:
        problem = "Use lower-case letters, digits and single hyphens."
        errors.append({"field": "slug", "problem": problem})
    if errors:
        raise InvalidInput(errors[0]["problem"], errors=errors)
    organization, is_new = Organization.objects.get_or_create(
        slug=slug, defaults={"name": name.strip(), "country": country, "created_at": at}
    )
    if not is_new:
        raise SlugTaken(f"The address {slug} is taken. Choose another one.")
    Membership.objects.create(
        organization=organization, user=owner, role=Membership.Role.OWNER, joined_at=at
    )
    record(
        "organization.founded",
        at=at,
        object_kind="organization",
        object_id=organization.pk,
        actor=owner.pk,
        organization=organization.pk,
    )
    return organization
