"""Evidence about how often somebody is right, and the score it adds up to."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7
from marketplace.people.models import Expert
from vetting.models.catalogue import Skill

SOURCES = ("gold", "test", "consensus", "review", "verdict")
TIERS = ("probation", "t1", "t2", "reviewer")


class QualityEvent(models.Model):
    """One piece of evidence about an expert in a skill, append-only.

    `credit` 0 … 1 is how right they were, `weight` how much it says. An undo is a row of its own
    with the negative weight **at the original instant**, so that decay cancels exactly.
    `subject_kind` and `subject_id` name what was judged, which lives in a higher package.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    expert = models.ForeignKey(Expert, on_delete=models.PROTECT, related_name="quality_events")
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="quality_events")
    source = models.CharField(max_length=16)
    weight = models.FloatField()
    credit = models.FloatField()
    subject_kind = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    round = models.PositiveSmallIntegerField(default=1)
    happened_at = models.DateTimeField()
    undoes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="undone_by"
    )

    class Meta:
        indexes = [
            models.Index(fields=["expert", "skill", "id"], name="quality_events_of_a_score"),
            models.Index(fields=["subject_id"], name="quality_events_of_a_subject"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "subject_kind", "subject_id", "expert", "skill", "round"],
                condition=Q(undoes__isnull=True),
                name="subject_counts_once_per_source_and_round",
            ),
            models.CheckConstraint(
                condition=Q(source__in=list(SOURCES)), name="quality_event_source_is_known"
            ),
            models.CheckConstraint(
                condition=Q(credit__gte=0.0, credit__lte=1.0),
                name="quality_event_credit_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(undoes__isnull=True, weight__gte=0.0, weight__lte=1.0)
                | Q(undoes__isnull=False, weight__gte=-1.0, weight__lte=0.0),
                name="only_an_undo_takes_weight_away",
            ),
        ]
        triggers = append_only("quality events")

    def __str__(self) -> str:
        return f"{self.source} {self.credit}"


class PendingEvidence(models.Model):
    """An event that its score does not hold yet; the row goes in the transaction that adds it."""

    event = models.OneToOneField(
        QualityEvent, on_delete=models.PROTECT, primary_key=True, related_name="pending"
    )
    expert = models.ForeignKey(Expert, on_delete=models.PROTECT, related_name="+", db_index=False)
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        indexes = [models.Index(fields=["expert", "skill"], name="evidence_waiting_for_a_score")]

    def __str__(self) -> str:
        return str(self.event_id)


class SkillScore(models.Model):
    """The score as of `as_of`: a cache that `rebuild_scores` makes again from the events.

    `right_weight` and `wrong_weight` are decayed evidence beyond the prior, which stands apart.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    expert = models.ForeignKey(Expert, on_delete=models.PROTECT, related_name="skill_scores")
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="scores")
    prior_mean = models.FloatField()
    right_weight = models.FloatField(default=0.0)
    wrong_weight = models.FloatField(default=0.0)
    gold_right = models.FloatField(default=0.0)
    gold_wrong = models.FloatField(default=0.0)
    as_of = models.DateTimeField()
    n_events = models.PositiveIntegerField(default=0)
    tier = models.CharField(max_length=16, default="probation")
    tier_changed_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["expert", "skill"], name="expert_has_one_score_per_skill"
            ),
            models.CheckConstraint(
                condition=Q(prior_mean__gt=0.0, prior_mean__lt=1.0),
                name="score_prior_is_a_probability",
            ),
            models.CheckConstraint(condition=Q(tier__in=list(TIERS)), name="score_tier_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.skill_id} {self.tier}"
