"""Asking to work in a domain, and what the domain asks back."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from marketplace.people.models import DecisionRecord, Expert, User
from vetting.models.catalogue import Domain, Skill

TRANSITIONS = transitions(
    {
        "draft": "submitted withdrawn",
        "submitted": "in_review not_eligible_yet withdrawn",
        "not_eligible_yet": "submitted withdrawn",
        "in_review": "approved waitlisted declined withdrawn",
        "waitlisted": "in_review withdrawn",
        "declined": "in_review",
        "approved": "",
        "withdrawn": "",
    }
)
OPEN = ("draft", "submitted", "not_eligible_yet", "in_review", "waitlisted")
# The columns that verbs move.
MOVING = (
    "state",
    "submitted_at",
    "in_review_at",
    "decided_at",
    "missing",
    "decision",
    "proposed_outcome",
    "proposed_by",
    "proposed_at",
    "proposed_reason",
    "proposed_message",
    "proposed_evidence",
)
_NOT_PROPOSED = Q(
    proposed_outcome="",
    proposed_by__isnull=True,
    proposed_at__isnull=True,
    proposed_reason="",
    proposed_message="",
)
_PROPOSED = Q(
    proposed_outcome__in=["approved", "declined"],
    proposed_by__isnull=False,
    proposed_at__isnull=False,
)


class RequirementPolicy(models.Model):
    """What a qualification of a skill and level asks for, as an expression; immutable."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="policies")
    level = models.PositiveSmallIntegerField(default=1)
    version = models.PositiveSmallIntegerField()
    expression = models.JSONField()
    published_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["skill", "level", "version"], name="policy_version_is_published_once"
            ),
            models.CheckConstraint(
                condition=Q(level__gte=1, level__lte=3), name="policy_level_is_1_to_3"
            ),
        ]
        triggers = append_only("policies")

    def __str__(self) -> str:
        return f"{self.skill_id} level {self.level} v{self.version}"


class Application(models.Model):
    """An expert asks to work in a domain.

    A proposal waits in `proposed_*` for a second person. `missing` lists the facts that are not
    there yet, in words, while `not_eligible_yet`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    expert = models.ForeignKey(Expert, on_delete=models.PROTECT, related_name="applications")
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="applications")
    state = models.CharField(max_length=20, default="draft", choices=[(s, s) for s in TRANSITIONS])
    statement = models.TextField(blank=True)
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    in_review_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    missing = models.JSONField(default=list)
    proposed_outcome = models.CharField(max_length=16, blank=True)
    proposed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    proposed_at = models.DateTimeField(null=True, blank=True)
    proposed_reason = models.CharField(max_length=64, blank=True)
    proposed_message = models.TextField(blank=True)
    proposed_evidence = models.JSONField(default=list)
    decision = models.ForeignKey(
        DecisionRecord, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = [models.Index(fields=["state", "in_review_at"], name="application_queue")]
        constraints = [
            models.UniqueConstraint(
                fields=["expert", "domain"],
                condition=Q(state__in=list(OPEN)),
                name="expert_has_one_open_application_per_domain",
            ),
            models.CheckConstraint(
                condition=Q(state__in=list(TRANSITIONS)), name="application_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "waitlisted", "declined"])
                | Q(decision__isnull=False, decided_at__isnull=False),
                name="decided_application_has_its_decision",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["submitted", "in_review"]) | Q(submitted_at__isnull=False),
                name="application_submitted_at_matches_state",
            ),
            models.CheckConstraint(
                condition=~Q(state="not_eligible_yet") | ~Q(missing=[]),
                name="application_not_eligible_yet_says_what_is_missing",
            ),
            models.CheckConstraint(
                condition=_NOT_PROPOSED | _PROPOSED & Q(state="in_review"),
                name="proposal_is_whole_and_waits_in_review",
            ),
            models.CheckConstraint(
                condition=~Q(proposed_outcome="declined")
                | ~Q(proposed_reason="") & ~Q(proposed_message="") & ~Q(proposed_evidence=[]),
                name="proposed_decline_has_reason_and_evidence",
            ),
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True)
                | Q(submitted_at__isnull=False, decided_at__gte=F("submitted_at")),
                name="application_is_decided_after_it_was_submitted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.domain_id} {self.state}"

    def forget_proposal(self) -> None:
        """In memory: it was decided, dropped or overtaken."""
        self.proposed_outcome = self.proposed_reason = self.proposed_message = ""
        self.proposed_by = self.proposed_at = None
        self.proposed_evidence = []
