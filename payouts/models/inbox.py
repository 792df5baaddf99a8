"""What Stripe told us, before and after we looked for ourselves."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions

ENDPOINTS = ("platform", "connect", "thin")


class StripeEvent(models.Model):
    """One signed message. It says only that something moved; the handler fetches what."""

    TRANSITIONS = transitions(
        {
            "received": "handled parked ignored",
            "parked": "handled ignored",
            "handled": "",
            "ignored": "",
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.CharField(max_length=8)
    account = models.CharField(max_length=100, blank=True, default="")
    event_id = models.CharField(max_length=100)
    kind = models.CharField(max_length=120)
    object_id = models.CharField(max_length=100, blank=True, default="")
    livemode = models.BooleanField()
    body = models.JSONField()
    state = models.CharField(max_length=8, default="received")
    reason = models.CharField(max_length=200, blank=True, default="")
    received_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "event_id"], name="a_stripe_event_is_kept_once"
            ),
            models.CheckConstraint(
                name="a_stripe_event_rests_with_its_instant",
                condition=Q(state="received", handled_at=None)
                | Q(state__in=["handled", "parked", "ignored"], handled_at__isnull=False),
            ),
            models.CheckConstraint(
                name="an_ignored_event_has_a_reason",
                condition=~Q(state__in=["parked", "ignored"]) | ~Q(reason=""),
            ),
        ]
        indexes = [
            models.Index(
                fields=["received_at", "id"],
                name="stripe_event_waiting",
                condition=Q(state__in=["received", "parked"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
