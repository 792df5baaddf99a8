"""Who signs in, and what staff may do."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower, Now

from marketplace.kit import clock
from marketplace.kit.ids import uuid7


class UserManager(BaseUserManager["User"]):
    """Makes users; e-mail addresses are kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make a user; without a password they sign in by code. Any: columns of User."""
        fields.setdefault("date_joined", clock.now())
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db, force_insert=True)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make a break-glass user who passes every permission. Any: columns of User.

        The operator types the address at the machine itself, so it counts as verified.
        """
        user = self.create_user(email, password, is_staff=True, is_superuser=True, **fields)
        address = apps.get_model("account", "EmailAddress")
        address(user=user, email=user.email, verified=True, primary=True).save(force_insert=True)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        """The user with this e-mail address in any case."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in, by e-mail address."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(db_default=Now(), editable=False)

    # In memory: roles once they were asked for. A request loads its own user.
    known_roles: frozenset[str] | None = None
    known_memberships: tuple[Any, ...] | None = None  # Any: rows of a package above this one

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="email_is_unique_in_any_case"),
        ]

    def __str__(self) -> str:
        return self.name or self.email


class StaffRole(models.Model):
    """One thing a member of staff may do. Who granted and revoked it is in the events."""

    class Role(models.TextChoices):
        VETTING = "vetting"
        QUALITY = "quality"
        FINANCE = "finance"
        SUPPORT = "support"
        AUDITOR = "auditor"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="staff_roles")
    role = models.CharField(max_length=16, choices=Role.choices)
    granted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "role"], name="user_has_each_staff_role_once"),
            models.CheckConstraint(
                condition=models.Q(
                    role__in=["vetting", "quality", "finance", "support", "auditor"]
                ),
                name="staff_role_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.role
