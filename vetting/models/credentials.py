"""Claims about a person, the papers behind them, and what a check of them found."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from marketplace.people.models import DecisionRecord, Expert, User

TRANSITIONS = transitions(
    {
        "draft": "submitted",
        "submitted": "checking",
        "checking": "verified needs_info in_review rejected",
        "needs_info": "submitted withdrawn",
        "in_review": "verified needs_info rejected withdrawn",
        "verified": "expired revoked withdrawn",
        "rejected": "in_review",
        "expired": "",
        "revoked": "",
        "withdrawn": "",
    }
)
PENDING = ("submitted", "checking", "in_review")


class Credential(models.Model):
    """What somebody says of themselves: a degree, a licence, an employment.

    `assurance`: a0 claimed, a1 well formed, a2 judged by a person, a3 seen in the official source.
    """

    class Kind(models.TextChoices):
        DEGREE = "degree"
        LICENCE = "licence"
        EMPLOYMENT = "employment"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    expert = models.ForeignKey(Expert, on_delete=models.PROTECT, related_name="credentials")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    title = models.CharField(max_length=200)
    issuer = models.CharField(max_length=200)
    jurisdiction = models.CharField(max_length=10, blank=True)
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=16, default="draft", choices=[(s, s) for s in TRANSITIONS])
    assurance = models.CharField(max_length=2, default="a0")
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    asked_for = models.TextField(blank=True)
    decision = models.ForeignKey(
        DecisionRecord, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = [models.Index(fields=["state", "submitted_at"], name="credential_queue")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=list(TRANSITIONS)), name="credential_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["degree", "licence", "employment"]),
                name="credential_kind_is_known",
            ),
            models.CheckConstraint(
                condition=Q(assurance__in=["a0", "a1", "a2", "a3"]),
                name="credential_assurance_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["rejected", "revoked"]) | Q(decision__isnull=False),
                name="refused_credential_has_its_decision",
            ),
            models.CheckConstraint(
                condition=~Q(state="verified")
                | Q(assurance__in=["a2", "a3"], decided_at__isnull=False),
                name="verified_credential_was_judged",
            ),
            models.CheckConstraint(
                condition=~Q(state="needs_info") | ~Q(asked_for=""),
                name="credential_that_needs_info_says_which",
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(submitted_at__isnull=False),
                name="credential_submitted_at_matches_state",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True)
                | Q(valid_from__isnull=True)
                | Q(valid_until__gt=F("valid_from")),
                name="credential_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(jurisdiction__regex=r"^([A-Z]{2}(-[A-Z0-9]{1,3})?)?$"),
                name="credential_jurisdiction_is_a_country_or_its_part",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Verification(models.Model):
    """One finished run of one verifier over a credential. A re-check is a new row."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    credential = models.ForeignKey(
        Credential, on_delete=models.PROTECT, related_name="verifications"
    )
    verifier = models.SlugField(max_length=40)
    verifier_version = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=16)
    code = models.CharField(max_length=64, blank=True)
    assurance = models.CharField(max_length=2)
    facts = models.JSONField(default=dict)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    finished_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["passed", "failed", "inconclusive", "source_down"]),
                name="verification_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(assurance__in=["a0", "a1", "a2", "a3"]),
                name="verification_assurance_is_known",
            ),
        ]
        triggers = append_only("verifications")

    def __str__(self) -> str:
        return f"{self.verifier} {self.status}"


class Document(models.Model):
    """A paper behind a credential, sealed in private storage until its purge.

    The hash and the verdict outlive the file. `scan` is `skipped` where no scanner is set.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    credential = models.ForeignKey(Credential, on_delete=models.PROTECT, related_name="documents")
    media_type = models.CharField(max_length=32)
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    stored_as = models.CharField(max_length=100, blank=True)
    scan = models.CharField(max_length=16, default="skipped")
    uploaded_at = models.DateTimeField()
    purge_at = models.DateTimeField()
    purged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index("purge_at", name="document_to_purge", condition=Q(purged_at__isnull=True))
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(purged_at__isnull=True) & ~Q(stored_as="")
                | Q(purged_at__isnull=False, stored_as=""),
                name="document_has_its_file_until_it_is_purged",
            ),
            models.CheckConstraint(
                condition=Q(media_type__in=["application/pdf", "image/png", "image/jpeg"]),
                name="document_is_pdf_png_or_jpeg",
            ),
            models.CheckConstraint(
                condition=Q(scan__in=["skipped", "clean"]), name="document_is_not_infected"
            ),
            models.CheckConstraint(
                condition=Q(sha256__regex="^[0-9a-f]{64}$"),
                name="kept_document_hash_is_sha256_in_hex",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.media_type} {self.id}"


class DocumentAccess(models.Model):
    """That somebody looked at a document, and why. The expert can read this."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="accesses")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="document_access_has_a_reason")
        ]
        triggers = append_only("document views")

    def __str__(self) -> str:
        return self.reason
