"""What a person or a key may do for an organisation. The only place that reads client roles."""

from __future__ import annotations

from typing import TypeAlias
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from marketplace.kit.errors import Forbidden, NotFound
from marketplace.organizations.models import (
    ApiKey,
    Employment,
    Invitation,
    Membership,
    Organization,
)
from marketplace.people.access import staff_roles
from marketplace.people.models import User

Principal: TypeAlias = User | ApiKey
Asker: TypeAlias = User | AnonymousUser | ApiKey

# Keys and money: who holds these signs in with a second factor.
GUARDED_ROLES = frozenset({"owner", "manager", "billing"})
MANAGING_ROLES = ("owner", "manager")


def guards_keys_or_money(user: User) -> bool:
    """A rule of SECOND_FACTOR_RULES: owners, managers and billing members of any organisation."""
    return any(each.role in GUARDED_ROLES for each in memberships_of(user))


def memberships_of(user: User) -> tuple[Membership, ...]:
    """Every membership of the person with its organisation, by name: for what pages show.

    Read once for each `User` in memory, so once for a request; verbs ask `require_role`.
    """
    if user.known_memberships is None:
        rows = Membership.objects.filter(user=user).select_related("organization")
        user.known_memberships = tuple(rows.order_by("organization__name", "organization_id"))
    return user.known_memberships


def require_member(user: User, slug: str, *roles: str) -> Membership:
    """The person's membership of the organisation at this address, for a page; as `require_role`.

    Raises NotFound for a stranger, Forbidden for a member without one of the roles.
    """
    for membership in memberships_of(user):
        if membership.organization.slug == slug:
            _require_one(membership.role, membership.organization, roles)
            return membership
    raise NotFound("There is nothing here.")


def membership_role(user: Asker, organization: Organization) -> str | None:
    """The person's role there, or None for a stranger."""
    if not isinstance(user, User) or not user.is_active:
        return None
    try:
        return Membership.objects.get(organization=organization, user=user).role
    except Membership.DoesNotExist:
        return None


def require_role(user: Asker, organization: Organization, *roles: str) -> str:
    """The person's role; a stranger meets NotFound, a member without one of the roles Forbidden.

    Without roles, any member will do.
    """
    role = membership_role(user, organization)
    if role is None:
        raise NotFound("There is nothing here.")
    _require_one(role, organization, roles)
    return role


def organizations_of(user: Asker) -> QuerySet[Organization]:
    """The organisations the person belongs to; a key belongs to one."""
    if isinstance(user, ApiKey):
        return Organization.objects.filter(pk=user.organization_id)
    if not isinstance(user, User):
        return Organization.objects.none()
    return Organization.objects.filter(memberships__user=user)


def require_scope(key: ApiKey, scope: str) -> None:
    """Refuse a key that does not carry the scope."""
    if scope not in key.scopes:
        raise Forbidden(f"This key lacks the scope {scope}.", scope=scope)


def may_use_project(key: ApiKey, project_id: UUID) -> bool:
    """Whether the key reaches the project; one without a list reaches all of its organisation."""
    return not key.project_ids or project_id in key.project_ids


def visible_organizations(*, to: Asker) -> QuerySet[Organization]:
    """One's own; staff of any role see all."""
    if isinstance(to, ApiKey):
        return organizations_of(to)
    return Organization.objects.all() if staff_roles(to) else organizations_of(to)


def visible_memberships(*, to: Asker) -> QuerySet[Membership]:
    """Those of one's own organisations; support and auditors see all; a key sees none."""
    if isinstance(to, ApiKey):
        return Membership.objects.none()
    if staff_roles(to) & {"support", "auditor"}:
        return Membership.objects.all()
    return Membership.objects.filter(organization__in=organizations_of(to))


def visible_invitations(*, to: Asker) -> QuerySet[Invitation]:
    """Those of organisations in which one is owner or manager; support and auditors see all."""
    if not isinstance(to, User):
        return Invitation.objects.none()
    if staff_roles(to) & {"support", "auditor"}:
        return Invitation.objects.all()
    managed = Organization.objects.filter(
        memberships__user=to, memberships__role__in=MANAGING_ROLES
    )
    return Invitation.objects.filter(organization__in=managed)


def visible_api_keys(*, to: Asker) -> QuerySet[ApiKey]:
    """That they exist, to every member; acting on them asks for a role. A key sees itself."""
    if isinstance(to, ApiKey):
        return ApiKey.objects.filter(pk=to.pk)
    if staff_roles(to) & {"support", "auditor"}:
        return ApiKey.objects.all()
    return ApiKey.objects.filter(organization__in=organizations_of(to))


def visible_employments(*, to: Asker) -> QuerySet[Employment]:
    """One's own; finance, support and auditors see all."""
    if not isinstance(to, User):
        return Employment.objects.none()
    if staff_roles(to) & {"finance", "support", "auditor"}:
        return Employment.objects.all()
    return Employment.objects.filter(expert__user=to)


def _require_one(role: str, organization: Organization, roles: tuple[str, ...]) -> None:
    if roles and role not in roles:
        raise Forbidden(
            f"This needs the role {' or '.join(roles)}; yours in {organization.name} is {role}."
        )
