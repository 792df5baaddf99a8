"""Answers already given to requests that may be repeated."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from marketplace.kit.ids import uuid7


class IdempotencyRecord(models.Model):
    """One request of one principal under its own key; without a status it is still running."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    principal = models.UUIDField()
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    response = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["principal", "key"], name="idempotency_key_is_used_once_by_a_principal"
            ),
            models.CheckConstraint(
                condition=Q(status__isnull=False) | Q(response__isnull=True),
                name="running_request_has_no_response",
            ),
        ]

    def __str__(self) -> str:
        return self.key
