"""The switch that stops all sending: each turn of it is a row, the newest one counts."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7


class PauseTurn(models.Model):
    """Somebody paused all payments, or let them go on."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    is_paused = models.BooleanField()
    why = models.CharField(max_length=200)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="a_pause_says_why", condition=~Q(why="")),
        ]
        triggers = [*append_only("turns of the pause switch")]

    def __str__(self) -> str:
        return "paused" if self.is_paused else "running"
