"""The texts an expert works under. A change is a new version; a version never changes."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7
from marketplace.people.models import User

PURPOSES = ("training", "evaluation", "research")


class Guideline(models.Model):
    """How to do the work, in markdown; `change_note` says what is new in this version."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(
        "projects.Project", on_delete=models.PROTECT, related_name="guidelines"
    )
    version = models.PositiveIntegerField()
    body = models.TextField()
    change_note = models.CharField(max_length=300, blank=True)
    content_hash = models.CharField(max_length=64)
    published_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "version"], name="guideline_version_is_published_once"
            ),
            models.CheckConstraint(
                name="guideline_hash_is_sha256", condition=Q(content_hash__regex="^[0-9a-f]{64}$")
            ),
        ]
        triggers = append_only("guidelines")

    def __str__(self) -> str:
        return f"guidelines, version {self.version}"


class DataUseTerms(models.Model):
    """What the client may do with the answers. Experts accept the version with this hash.

    `content_hash` covers body, purposes and licence. An export asks for one purpose and leaves
    out every answer whose terms do not name it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="terms")
    version = models.PositiveIntegerField()
    body = models.TextField()
    purposes = ArrayField(models.CharField(max_length=20))
    licence = models.CharField(max_length=80)
    content_hash = models.CharField(max_length=64)
    published_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "version"], name="terms_version_is_published_once"
            ),
            models.CheckConstraint(
                name="terms_hash_is_sha256", condition=Q(content_hash__regex="^[0-9a-f]{64}$")
            ),
            models.CheckConstraint(
                name="terms_name_known_purposes",
                condition=Q(purposes__len__gte=1, purposes__contained_by=list(PURPOSES)),
            ),
        ]
        triggers = append_only("terms")

    def __str__(self) -> str:
        return f"terms, version {self.version}"
