"""Clients and the people who act for them."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower

from marketplace.kit.ids import uuid7
from marketplace.people.models import User

_ROLES = ["owner", "manager", "reviewer", "viewer", "billing"]


class Organization(models.Model):
    """A client that posts and funds work, or an employer of experts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=150)
    slug = models.SlugField(max_length=60, unique=True)
    country = models.CharField(max_length=2, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(slug__regex=r"^[a-z0-9]+(-[a-z0-9]+)*$"),
                name="organization_slug_is_lower_case_words",
            ),
            models.CheckConstraint(
                condition=models.Q(country__regex=r"^([A-Z]{2})?$"),
                name="organization_country_is_two_capital_letters",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's one role in one organisation."""

    class Role(models.TextChoices):
        OWNER = "owner"
        MANAGER = "manager"
        REVIEWER = "reviewer"
        VIEWER = "viewer"
        BILLING = "billing"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="memberships"
    )
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)
    joined_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user"], name="user_has_one_role_in_an_organization"
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=_ROLES), name="membership_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.role


class Invitation(models.Model):
    """An offer of a role to an e-mail address; the link's token is stored as its SHA-256."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="invitations"
    )
    email = models.EmailField()
    role = models.CharField(max_length=16, choices=Membership.Role.choices)
    token_sha256 = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="invitations_sent")
    invited_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="invitations_accepted",
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "organization",
                Lower("email"),
                condition=models.Q(accepted_at__isnull=True, withdrawn_at__isnull=True),
                name="address_has_one_open_invitation",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=_ROLES), name="invitation_role_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(accepted_at__isnull=True, accepted_by__isnull=True)
                | models.Q(
                    accepted_at__isnull=False, accepted_by__isnull=False, withdrawn_at__isnull=True
                ),
                name="accepted_invitation_has_a_member_and_was_not_withdrawn",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.organization_id}"
