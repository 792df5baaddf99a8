"""Keys with which an organisation's programs call the API."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from marketplace.kit.ids import uuid7
from marketplace.organizations.models.organizations import Organization
from marketplace.people.models import User

LONGEST_LIFE = timedelta(days=366)


class ApiKey(models.Model):
    """`guild_live_<prefix>_<secret>`; only the secret's SHA-256 is kept.

    `project_ids` narrows the key to those projects; empty means all of the organisation.
    """

    class Scope(models.TextChoices):
        PROJECTS_READ = "projects:read"
        PROJECTS_WRITE = "projects:write"
        TASKS_WRITE = "tasks:write"
        EXPORTS_READ = "exports:read"
        FUNDING_READ = "funding:read"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="api_keys"
    )
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, unique=True)
    secret_sha256 = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=32, choices=Scope.choices))
    project_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_keys_created")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    expires_at__gt=F("created_at"), expires_at__lte=F("created_at") + LONGEST_LIFE
                ),
                name="api_key_expires_within_a_year",
            ),
            models.CheckConstraint(
                condition=Q(scopes__len__gte=1), name="api_key_may_do_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"
