"""A request to the provider, written down before it is sent."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from marketplace.kit.ids import uuid7
from marketplace.kit.states import Transitions


class FrozenRequest(models.Model):
    """One try. It is repeated byte for byte under its own key until its end is known."""

    TRANSITIONS: ClassVar[Transitions]

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.IntegerField()
    key = models.CharField(max_length=200, unique=True)
    request = models.TextField()
    request_sha256 = models.CharField(max_length=64)
    api_version = models.CharField(max_length=40)
    livemode = models.BooleanField()
    state = models.CharField(max_length=9, default="created")
    sends = models.IntegerField(default=0)
    first_sent_at = models.DateTimeField(null=True)
    last_sent_at = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    provider_id = models.CharField(max_length=100, null=True, unique=True)  # noqa: DJ001 unique
    error_code = models.CharField(max_length=100, blank=True, default="")
    error_message = models.CharField(max_length=500, blank=True, default="")
    is_frozen = models.BooleanField(default=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.key
