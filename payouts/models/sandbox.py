"""The sandbox's own Stripe: what would live on Stripe's side. Only `gateways.sandbox` writes it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

REQUEST_FAULTS = (
    "time_out_after",
    "error_before",
    "error_after",
    "rate_limit",
    "insufficient_balance",
    "restricted_account",
    "forbidden",
)
EVENT_FAULTS = ("lose_event", "duplicate_event", "delay_event", "reorder_events")
FAULTS = (*REQUEST_FAULTS, *EVENT_FAULTS, "bank_refuses")


class SandboxObject(models.Model):
    """A Stripe object. `account` is empty for the platform's own."""

    position = models.BigAutoField(primary_key=True)
    object_id = models.CharField(max_length=100, unique=True)
    type = models.CharField(max_length=40)
    account = models.CharField(max_length=100, blank=True, default="")
    group = models.CharField(max_length=200, blank=True, default="")
    body = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["type", "position"], name="sandbox_by_type"),
            models.Index(fields=["group"], name="sandbox_by_group", condition=~Q(group="")),
        ]

    def __str__(self) -> str:
        return self.object_id


class SandboxReply(models.Model):
    """The first answer to an idempotency key, replayed until the key is pruned."""

    key = models.CharField(max_length=255)
    account = models.CharField(max_length=100, blank=True, default="")
    path = models.CharField(max_length=200)
    body_sha256 = models.CharField(max_length=64)
    status = models.IntegerField()
    response = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "account"], name="a_sandbox_key_answers_once")
        ]

    def __str__(self) -> str:
        return self.key


class SandboxFault(models.Model):
    """A fault that waits, `remaining` times, for what it fits.

    `path` begins the path of a request (`get /v1/…` of one that only reads), the type of an event
    or the account of a bank payout.
    """

    kind = models.CharField(max_length=24)
    path = models.CharField(max_length=200)
    remaining = models.IntegerField(default=1)
    armed_by = models.UUIDField()
    armed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="sandbox_fault_is_known", condition=Q(kind__in=FAULTS)),
            models.CheckConstraint(
                name="sandbox_fault_is_not_negative", condition=Q(remaining__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return self.kind


class SandboxClock(models.Model):
    """How far the sandbox's time runs ahead of ours, and how long its charges take to settle."""

    ahead_seconds = models.BigIntegerField(default=0)
    settle_seconds = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(name="there_is_one_sandbox_clock", condition=Q(id=1)),
            models.CheckConstraint(
                name="the_sandbox_clock_runs_forward",
                condition=Q(ahead_seconds__gte=0, settle_seconds__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ahead_seconds} s ahead"
