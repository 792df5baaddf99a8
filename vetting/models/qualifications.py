"""What routing reads: who may do which work."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from marketplace.people.models import DecisionRecord, Expert
from vetting.models.applications import Application, RequirementPolicy
from vetting.models.catalogue import Skill

TRANSITIONS = transitions(
    {
        "active": "suspended expired revoked",
        "suspended": "active expired revoked",
        "expired": "",
        "revoked": "",
    }
)
OPEN = ("active", "suspended")


class Qualification(models.Model):
    """An expert may do work of a skill at a level. Nothing else gives access to work.

    1 = work of the skill, 2 = work that asks for official evidence, 3 = review and adjudicate.
    `basis` is the tree of reasons at the grant.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    expert = models.ForeignKey(Expert, on_delete=models.PROTECT, related_name="qualifications")
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="qualifications")
    level = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=16, default="active", choices=[(s, s) for s in TRANSITIONS])
    basis = models.JSONField(default=dict)
    policy = models.ForeignKey(
        RequirementPolicy, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, null=True, blank=True, related_name="qualifications"
    )
    granted_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    decision = models.ForeignKey(
        DecisionRecord, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = [
            models.Index(
                fields=["skill", "level"],
                name="qualification_in_force",
                condition=Q(state="active"),
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["expert", "skill", "level"],
                condition=Q(state__in=["active", "suspended"]),
                name="expert_holds_each_qualification_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=list(TRANSITIONS)), name="qualification_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(level__gte=1, level__lte=3), name="qualification_level_is_1_to_3"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["suspended", "revoked"]) | Q(decision__isnull=False),
                name="suspended_or_revoked_qualification_has_its_decision",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("granted_at")),
                name="qualification_expires_after_it_was_granted",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["active", "suspended"], ended_at__isnull=True)
                | Q(state__in=["expired", "revoked"], ended_at__isnull=False),
                name="qualification_ended_at_matches_state",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill_id} level {self.level} {self.state}"
