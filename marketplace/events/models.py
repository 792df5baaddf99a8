"""What happened, in the order in which it became true, so that nobody can quietly edit it."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from marketplace.kit.fields import TransactionId, XidField, append_only
from marketplace.kit.ids import uuid7


class Event(models.Model):
    """One thing that happened, written in the transaction that made it happen.

    The ids are plain: this package lies below those that own the rows. `data` holds what a
    notice must say, ids and codes, never personal data.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=80)
    actor = models.UUIDField(null=True)
    object_kind = models.CharField(max_length=40)
    object_id = models.UUIDField()
    expert = models.UUIDField(null=True)
    organization = models.UUIDField(null=True)
    project = models.UUIDField(null=True)
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    occurred_at = models.DateTimeField()
    xid = XidField(db_default=TransactionId(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="event_kind_is_noun_dot_verb_past",
                condition=Q(kind__regex=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"),
            )
        ]
        indexes = [
            models.Index("xid", "id", name="event_in_order"),
            models.Index("object_id", "id", name="event_of_object"),
            models.Index("expert", "id", name="event_of_expert", condition=Q(expert__isnull=False)),
            models.Index(
                "organization",
                "id",
                name="event_of_organization",
                condition=Q(organization__isnull=False),
            ),
            models.Index(
                "project", "id", name="event_of_project", condition=Q(project__isnull=False)
            ),
        ]
        triggers = append_only("events")

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class EventSeal(models.Model):
    """The place of an event in the chain; `hash` covers the event and everything before it."""

    position = models.BigIntegerField(primary_key=True)
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="seal")
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="seal_positions_start_at_one", condition=Q(position__gte=1)
            ),
            models.CheckConstraint(
                name="seal_hash_is_sha256", condition=Q(hash__regex="^[0-9a-f]{64}$")
            ),
        ]
        triggers = append_only("seals")

    def __str__(self) -> str:
        return f"{self.position} {self.hash}"


class SealerBound(models.Model):
    """The one row that says from which transaction on the sealer must look.

    Every event of an older transaction is sealed. A restore resets it to 0, because
    transaction ids begin anew.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    xid = XidField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(name="sealer_bound_is_one_row", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(self.xid)
