"""How fast calls may leave for Stripe, for every worker of the instance together."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class SendingPace(models.Model):
    """The next free moment to send. `slowdowns` doubles the distance that many times."""

    next_slot_at = models.DateTimeField()
    slowdowns = models.IntegerField(default=0)
    slowed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="there_is_one_sending_pace", condition=Q(id=1)),
            models.CheckConstraint(
                name="a_slow_pace_knows_since_when",
                condition=Q(slowdowns=0) | Q(slowdowns__gt=0, slowed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"slowed down {self.slowdowns} times"
