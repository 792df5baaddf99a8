"""Texts people agree to, and what they said to them."""

from __future__ import annotations

from django.db import models

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7
from marketplace.people.models.accounts import User


class LegalDocument(models.Model):
    """One version of a text, immutable. A correction is a new version."""

    class Kind(models.TextChoices):
        TERMS_OF_SERVICE = "terms_of_service"
        PRIVACY = "privacy"
        CONTRACTOR = "contractor"
        IP = "ip"
        CONFIDENTIALITY = "confidentiality"
        DATA_USE = "data_use"
        TRACE_CAPTURE = "trace_capture"
        BIOMETRIC = "biometric"
        INTEGRITY = "integrity"
        CONDUCT = "conduct"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=32, choices=Kind.choices)
    version = models.PositiveIntegerField()
    locale = models.CharField(max_length=16, default="en")
    title = models.CharField(max_length=200)
    body = models.TextField()
    sha256 = models.CharField(max_length=64)
    effective_from = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "version", "locale"], name="document_version_is_published_once"
            ),
            models.CheckConstraint(
                condition=models.Q(sha256__regex="^[0-9a-f]{64}$"),
                name="document_hash_is_sha256_in_hex",
            ),
        ]
        triggers = append_only("legal documents")

    def __str__(self) -> str:
        return f"{self.title} (version {self.version}, {self.locale})"


class ConsentRecord(models.Model):
    """What a person said to one document at one instant. The latest row counts."""

    class Act(models.TextChoices):
        GRANTED = "granted"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"

    class Scope(models.TextChoices):
        NONE = "none"
        PROJECT = "project"
        CAPTURE = "capture"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="consents")
    document = models.ForeignKey(LegalDocument, on_delete=models.PROTECT, related_name="consents")
    scope = models.CharField(max_length=16, choices=Scope.choices, default=Scope.NONE)
    scope_id = models.UUIDField(null=True, blank=True)
    act = models.CharField(max_length=16, choices=Act.choices)
    at = models.DateTimeField()
    channel = models.CharField(max_length=32)
    shown_hash = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["user", "document", "at"], name="consents_of_a_user")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scope="none", scope_id__isnull=True)
                | models.Q(scope__in=["project", "capture"], scope_id__isnull=False),
                name="consent_scope_names_its_object",
            ),
            models.CheckConstraint(
                condition=models.Q(act__in=["granted", "declined", "withdrawn"]),
                name="consent_act_is_known",
            ),
        ]
        triggers = append_only("consents")

    def __str__(self) -> str:
        return f"{self.act} {self.document_id}"
