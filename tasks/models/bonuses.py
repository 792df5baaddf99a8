"""What a client paid on top of the price, and why."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from marketplace.kit.fields import append_only
from marketplace.people.models import User
from tasks.models.assignments import Assignment


class Bonus(models.Model):
    """More pay for one approved answer; its earning has the key `bonus:<id>`."""

    id = models.UUIDField(primary_key=True, editable=False)
    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="bonuses")
    amount_minor = models.BigIntegerField()
    reason = models.CharField(max_length=500)
    paid_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    paid_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="bonus_pays_something_and_says_why",
                condition=Q(amount_minor__gt=0) & ~Q(reason=""),
            )
        ]
        triggers = [*append_only("bonuses")]
        verbose_name_plural = "bonuses"

    def __str__(self) -> str:
        return f"bonus {self.id}"
