"""The fields of knowledge and what can be done in each."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from marketplace.kit.ids import uuid7


class Domain(models.Model):
    """A field of knowledge: medicine, or cardiology below it.

    In a regulated one nobody is approved without two people.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    is_regulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                name="domain_is_not_its_own_parent",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Skill(models.Model):
    """An ability in a domain: `medicine.preference`. What work asks for and scores are about.

    `mean` is the accuracy expected of somebody unknown, the prior of new scores.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.CharField(max_length=120, unique=True)
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="skills")
    ability = models.SlugField(max_length=60)
    name = models.CharField(max_length=150)
    mean = models.FloatField(default=0.75)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "ability"], name="domain_has_each_skill_once"
            ),
            models.CheckConstraint(
                condition=Q(slug__regex=r"^[a-z0-9-]+\.[a-z0-9_-]+$"),
                name="skill_slug_is_domain_dot_ability",
            ),
            models.CheckConstraint(
                condition=Q(mean__gte=0.55, mean__lte=0.90),
                name="skill_mean_is_between_55_and_90_percent",
            ),
        ]

    def __str__(self) -> str:
        return self.name
