"""People join a client by invitation, change roles and leave."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, Forbidden, InvalidInput, NotFound
from marketplace.organizations.access import MANAGING_ROLES, membership_role, require_role
from marketplace.organizations.models import Invitation, Membership, Organization
from marketplace.organizations.selectors import hash_secret
from marketplace.people.models import User

INVITATION_LIVES = timedelta(days=14)


class AlreadyMember(DomainError):
    """This person belongs to the organisation already."""

    code = "already_member"


class InvitationExpired(DomainError):
    """The invitation ran out or was withdrawn."""

    code = "invitation_expired"
    status = 410


class LastOwner(DomainError):
    """Without its last owner nobody could run the organisation."""

    code = "last_owner"


@transaction.atomic
def invite_member(
    *, organization: Organization, email: str, role: str, by: User, at: datetime
) -> tuple[Invitation, str]:
    """Offer a role to an address; returns the secret of the link, shown once, good for 14 days.

    Owners and managers; only an owner makes owners. An open invitation of the address is replaced.
    """
    _require_reach(by, organization, role)
    address = email.strip().lower()
    Organization.objects.select_for_update().get(pk=organization.pk)
    if organization.memberships.filter(user__email=address).exists():
        raise AlreadyMember(f"{address} is a member already.")
    _open(organization).filter(email=address).update(withdrawn_at=at)
    token = secrets.token_urlsafe(32)
    invitation = organization.invitations.create(
        email=address,
        role=role,
        token_sha256=hash_secret(token),
        invited_by=by,
        invited_at=at,
        expires_at=at + INVITATION_LIVES,
    )
    _record("member.invited", organization, of=invitation.pk, role=role, by=by, at=at)
    return invitation, token


@transaction.atomic
def accept_invitation(*, token: str, user: User, at: datetime) -> Membership:
    """Join with the role offered. The link works once, for the invited address only.

    Raises NotFound for a wrong link or somebody else's, InvitationExpired for an old one.
    """
    invitations = Invitation.objects.select_for_update().select_related("organization")
    try:
        invitation = invitations.get(token_sha256=hash_secret(token), email=user.email.lower())
    except Invitation.DoesNotExist:
        raise NotFound("This invitation is not for you, or does not exist.") from None
    organization = invitation.organization
    if invitation.accepted_at or membership_role(user, organization):
        raise AlreadyMember(f"You are a member of {organization.name} already.")
    if invitation.withdrawn_at or at >= invitation.expires_at:
        raise InvitationExpired("This invitation has expired. Ask for a new one.")
    invitation.accepted_at, invitation.accepted_by = at, user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    member = organization.memberships.create(user=user, role=invitation.role, joined_at=at)
    _record("member.joined", organization, of=user.pk, role=member.role, by=user, at=at)
    return member


@transaction.atomic
def withdraw_invitation(*, invitation: Invitation, by: User, at: datetime) -> Invitation:
    """Make an open invitation's link useless. Owners and managers."""
    require_role(by, invitation.organization, *MANAGING_ROLES)
    changed = _open(invitation.organization).filter(pk=invitation.pk).update(withdrawn_at=at)
    if changed:
        organization = invitation.organization
        _record("invitation.withdrawn", organization, of=invitation.pk, role="", by=by, at=at)
    invitation.refresh_from_db()
    return invitation


@transaction.atomic
def change_role(
    *, organization: Organization, user: User, role: str, by: User, at: datetime
) -> Membership:
    """Give a member another role. Only an owner makes or unmakes owners; one always stays."""
    member = _locked_member(organization, user)
    _require_reach(by, organization, role, member.role)
    if member.role == Membership.Role.OWNER and role != member.role:
        _keep_an_owner(organization)
    member.role = role
    member.save(update_fields=["role"])
    _record("member.role_changed", organization, of=user.pk, role=role, by=by, at=at)
    return member


@transaction.atomic
def remove_member(*, organization: Organization, user: User, by: User, at: datetime) -> None:
    """End a membership: one's own, or as owner or manager another's. One owner always stays."""
    member = _locked_member(organization, user)
    if by != user:
        _require_reach(by, organization, member.role)
    if member.role == Membership.Role.OWNER:
        _keep_an_owner(organization)
    member.delete()
    _record("member.left", organization, of=user.pk, role=member.role, by=by, at=at)


def _require_reach(by: User, organization: Organization, *roles: str) -> None:
    """Who may hand out or take these roles: managers all but owner, owners all."""
    if not set(roles) <= set(Membership.Role.values):
        known = ", ".join(Membership.Role.values)
        raise InvalidInput(f"Choose one of {known}.", errors=[{"field": "role", "problem": known}])
    require_role(by, organization, *MANAGING_ROLES)
    if "owner" in roles and membership_role(by, organization) != "owner":
        raise Forbidden("Only an owner can make or change owners.")


def _locked_member(organization: Organization, user: User) -> Membership:
    # The organisation is locked first, so two owners cannot remove each other at once.
    Organization.objects.select_for_update().get(pk=organization.pk)
    try:
        return Membership.objects.get(organization=organization, user=user)
    except Membership.DoesNotExist:
        raise NotFound("There is nothing here.") from None


def _keep_an_owner(organization: Organization) -> None:
    if organization.memberships.filter(role=Membership.Role.OWNER).count() == 1:
        raise LastOwner(f"{organization.name} needs an owner. Make somebody else owner first.")


def _open(organization: Organization) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        organization=organization, accepted_at__isnull=True, withdrawn_at__isnull=True
    )


def _record(
    kind: str, organization: Organization, *, of: UUID, role: str, by: User, at: datetime
) -> None:
    record(
        kind,
        at=at,
        object_kind="member",
        object_id=of,
        actor=by.pk,
        organization=organization.pk,
        data={"role": role},
    )
