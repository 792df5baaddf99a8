"""Tests, their rules and their questions."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7
from marketplace.people.models import User
from vetting.models.catalogue import Skill


class Assessment(models.Model):
    """A test of one skill; its rules are versions and its questions a bank."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="assessments")
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=150)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class AssessmentVersion(models.Model):
    """The rules an attempt is held to, immutable: a change is a new version.

    `cut` is the ability asked for on the scale of item difficulties (-4 … 4). The test stops
    between `minimum` and `maximum` questions, once the probability of being above the cut reaches
    `pass_at` or falls to `fail_at`; at the end it passes from .60 on. `blueprint` lists
    `{topic, weight, minimum}`; `cool_down_days` is the wait before each retake.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    mode = models.CharField(max_length=16, default="sequential")
    cut = models.FloatField()
    minimum = models.PositiveSmallIntegerField()
    maximum = models.PositiveSmallIntegerField()
    pass_at = models.FloatField()
    fail_at = models.FloatField()
    time_limit_s = models.PositiveIntegerField()
    max_attempts = models.PositiveSmallIntegerField()
    cool_down_days = ArrayField(models.PositiveSmallIntegerField())
    blueprint = models.JSONField()
    item_ids = ArrayField(models.UUIDField())
    content_hash = models.CharField(max_length=64)
    published_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "number"], name="assessment_numbers_its_versions"
            ),
            models.CheckConstraint(condition=Q(mode="sequential"), name="assessment_mode_is_known"),
            models.CheckConstraint(
                condition=Q(minimum__gte=1, minimum__lte=F("maximum")),
                name="assessment_minimum_is_within_maximum",
            ),
            models.CheckConstraint(
                condition=Q(fail_at__gt=0.0, fail_at__lt=F("pass_at"), pass_at__lt=1.0),
                name="assessment_fails_below_where_it_passes",
            ),
            models.CheckConstraint(
                condition=Q(cut__gte=-4.0, cut__lte=4.0), name="assessment_cut_is_on_the_scale"
            ),
            models.CheckConstraint(
                condition=Q(time_limit_s__gte=60, time_limit_s__lte=900),
                name="unpaid_test_takes_at_most_fifteen_minutes",
            ),
            models.CheckConstraint(
                condition=Q(content_hash__regex="^[0-9a-f]{64}$"),
                name="assessment_hash_is_sha256_in_hex",
            ),
        ]
        triggers = append_only("assessment versions")

    def __str__(self) -> str:
        return f"{self.assessment_id} v{self.number}"


_NEVER_REWORDED = pgtrigger.Trigger(
    name="never_reworded",
    level=pgtrigger.Row,
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.AnyChange(exclude=["state"]),
    func="RAISE EXCEPTION 'questions are corrected by a new version' USING ERRCODE = '23001';",
)


class Item(models.Model):
    """One question. Its words, options and key never change: a correction is the next version.

    `key` lists the places of the right options, from 0; `band` is -1 easy, 0 middle, 1 hard.
    """

    class State(models.TextChoices):
        DRAFT = "draft"
        PILOT = "pilot"
        LIVE = "live"
        RETIRED = "retired"
        LEAKED = "leaked"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="items")
    ref = models.CharField(max_length=80)
    version = models.PositiveSmallIntegerField(default=1)
    prompt = models.TextField()
    options = models.JSONField()
    key = ArrayField(models.PositiveSmallIntegerField())
    band = models.SmallIntegerField()
    topic = models.SlugField(max_length=60)
    state = models.CharField(max_length=16, choices=State.choices, default=State.LIVE)
    content_hash = models.CharField(max_length=64)
    imported_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    imported_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "ref", "version"], name="item_version_is_imported_once"
            ),
            models.UniqueConstraint(
                fields=["assessment", "ref"],
                condition=Q(state__in=["draft", "pilot", "live"]),
                name="item_has_one_version_in_use",
            ),
            models.UniqueConstraint(
                fields=["assessment", "content_hash"],
                condition=Q(state__in=["draft", "pilot", "live"]),
                name="bank_asks_each_question_once",
            ),
            models.CheckConstraint(condition=Q(band__in=[-1, 0, 1]), name="item_band_is_known"),
            models.CheckConstraint(condition=Q(key__len__gte=1), name="item_has_a_right_answer"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "pilot", "live", "retired", "leaked"]),
                name="item_state_is_known",
            ),
        ]
        triggers = [_NEVER_REWORDED]

    def __str__(self) -> str:
        return f"{self.ref} v{self.version}"
