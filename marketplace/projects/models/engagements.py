"""An expert's yes to the terms of a project."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from marketplace.kit.ids import uuid7
from marketplace.people.models import Expert
from marketplace.projects.models.projects import Project
from marketplace.projects.models.texts import DataUseTerms

PAY_CHANNELS = ("stripe", "payroll", "none")


class Engagement(models.Model):
    """One expert works in one project under one version of its terms.

    `pay_channel` follows the expert's workforce: `stripe` for independents, `payroll` for
    employees, `none` for volunteers. A claim copies the engagement to its assignment.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    expert = models.ForeignKey(Expert, on_delete=models.PROTECT, related_name="engagements")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="engagements")
    terms = models.ForeignKey(DataUseTerms, on_delete=models.PROTECT, related_name="engagements")
    shown_hash = models.CharField(max_length=64)
    pay_channel = models.CharField(max_length=8, choices=[(c, c) for c in PAY_CHANNELS])
    accepted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["expert", "terms"], name="expert_accepts_a_version_of_terms_once"
            ),
            models.CheckConstraint(
                name="pay_channel_is_known", condition=Q(pay_channel__in=PAY_CHANNELS)
            ),
        ]
        indexes = [models.Index("project", "expert", name="engagement_of_project")]

    def __str__(self) -> str:
        return f"engagement {self.id}"
