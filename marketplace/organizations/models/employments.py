"""For whom an expert works, and how they are paid for it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from marketplace.kit.ids import uuid7
from marketplace.organizations.models.organizations import Organization
from marketplace.people.models import Expert


class Employment(models.Model):
    """An expert's workforce from `from_date` until before `until_date`; no row is `independent`."""

    class Workforce(models.TextChoices):
        INDEPENDENT = "independent"
        EMPLOYEE = "employee"
        VOLUNTEER = "volunteer"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    expert = models.ForeignKey(Expert, on_delete=models.PROTECT, related_name="employments")
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, related_name="employments"
    )
    workforce = models.CharField(max_length=16, choices=Workforce.choices)
    from_date = models.DateField()
    until_date = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["expert"],
                condition=Q(until_date__isnull=True),
                name="expert_has_one_current_employment",
            ),
            models.CheckConstraint(
                condition=Q(until_date__isnull=True) | Q(until_date__gt=F("from_date")),
                name="employment_ends_after_it_began",
            ),
            models.CheckConstraint(
                condition=Q(workforce="employee", organization__isnull=False)
                | Q(workforce__in=["independent", "volunteer"]),
                name="employee_has_an_employer",
            ),
        ]

    def __str__(self) -> str:
        return self.workforce
