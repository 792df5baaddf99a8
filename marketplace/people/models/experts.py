"""The profile with which a user does work."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from marketplace.kit.ids import uuid7
from marketplace.people.models.accounts import User


class Expert(models.Model):
    """A user who does work. Clients see the pseudonym, never the name."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="expert")
    pseudonym = models.CharField(max_length=40, unique=True, editable=False)
    display_name = models.CharField(max_length=150)
    country = models.CharField(max_length=2)
    languages = ArrayField(models.CharField(max_length=35), size=20)
    time_zone = models.CharField(max_length=64)
    headline = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(country__regex=r"^[A-Z]{2}$"),
                name="expert_country_is_two_capital_letters",
            ),
            models.CheckConstraint(
                condition=models.Q(languages__len__gte=1), name="expert_speaks_a_language"
            ),
        ]

    def __str__(self) -> str:
        return self.pseudonym
