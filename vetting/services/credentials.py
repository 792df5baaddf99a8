"""Claims about a person, and the people who check their papers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.states import require_transition
from marketplace.people.models import DecisionRecord, Expert, User
from marketplace.people.services.deciding import (
    NO_REASON,
    Reason,
    Subject,
    record_adverse_decision,
    record_decision,
)
from vetting.access import require_unconflicted
from vetting.models import Credential, DocumentAccess, Verification
from vetting.models.credentials import TRANSITIONS
from vetting.services.documents import KEPT_FOR, keep_documents_until
from vetting.services.settling import reconsider_applications

VERIFIER, VERIFIER_VERSION = "document_review", 1
CHECKLIST = ("name_matches", "issuer_exists", "dates_plausible", "looks_untouched")


class NoDocuments(DomainError):
    """A claim is checked by its papers; add at least one."""

    code = "no_documents"


class PaperUnread(DomainError):
    """Who judges a claim has opened each of its papers."""

    code = "paper_unread"


@dataclass(frozen=True, slots=True)
class Registry:
    """Where the reviewer saw the claim in an official source: the only way to a3."""

    url: str
    seen_on: date
    name_as_shown: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reviewer found. `outcome` is verified, needs_info or rejected.

    `checklist` answers every point of CHECKLIST. `reason` is needed to reject; its message is
    what is asked for when more is needed.
    """

    outcome: str
    checklist: Mapping[str, bool]
    reason: Reason = NO_REASON
    registry: Registry | None = None
    valid_until: date | None = None
    facts: dict[str, Any] = field(default_factory=dict)  # Any: JSON, minimal

    @property
    def assurance(self) -> str:
        """a3 with a look into the registry, else a2: a person judged a paper."""
        if self.outcome != "verified":
            return "a1"
        return "a3" if self.registry else "a2"


@transaction.atomic
def draft_credential(
    *,
    expert: Expert,
    kind: str,
    title: str,
    issuer: str,
    at: datetime,
    jurisdiction: str = "",
    valid_from: date | None = None,
    valid_until: date | None = None,
) -> Credential:
    """Write down a claim; papers and `submit_credential` follow."""
    if kind not in Credential.Kind.values:
        raise InvalidInput(
            f"A credential is one of {', '.join(Credential.Kind.values)}.", errors=[]
        )
    credential = Credential.objects.create(
        expert=expert,
        kind=kind,
        title=title,
        issuer=issuer,
        jurisdiction=jurisdiction.upper(),
        valid_from=valid_from,
        valid_until=valid_until,
        created_at=at,
    )
    _tell("credential.drafted", credential, at, expert.user)
    return credential


@transaction.atomic
def submit_credential(*, credential: Credential, at: datetime) -> Credential:
    """Hand a claim with its papers to the people who check them. Raises NoDocuments."""
    credential = _locked(credential)
    if not credential.documents.filter(purged_at__isnull=True).exists():
        raise NoDocuments("Add at least one document first.")
    for state in ("submitted", "checking", "in_review"):
        # Papers were looked at when they came in, so a person reads them at once.
        require_transition(TRANSITIONS, credential, state)
        credential.state = state
    credential.submitted_at, credential.assurance, credential.asked_for = at, "a1", ""
    credential.save(update_fields=["state", "submitted_at", "assurance", "asked_for"])
    _tell("credential.submitted", credential, at, credential.expert.user)
    return credential


@transaction.atomic
def decide_credential(
    *, credential: Credential, verdict: Verdict, by: User, at: datetime
) -> Credential:
    """Record what a reviewer found, and look again at applications that waited for it.

    Papers of a decided claim are purged 30 days later, or at the end of the appeal if that is
    later. Raises InvalidInput for an incomplete verdict, PaperUnread and NotYourDecision.
    """
    credential = _locked(credential)
    require_unconflicted(user=by, expert=credential.expert)
    _require_whole(verdict)
    require_transition(TRANSITIONS, credential, verdict.outcome)
    _require_read(credential, by)
    credential.state, credential.assurance = verdict.outcome, verdict.assurance
    credential.valid_until = verdict.valid_until or credential.valid_until
    credential.asked_for = verdict.reason.message if verdict.outcome == "needs_info" else ""
    if verdict.outcome != "needs_info":
        credential.decision = _record_decision(credential, verdict, by, at)
        credential.decided_at = at
        until = max(at + KEPT_FOR, credential.decision.appeal_until or at)
        keep_documents_until(credential=credential, until=until)
    credential.save(update_fields=_DECIDED)
    _keep_verification(credential, verdict, by, at)
    _tell(f"credential.{verdict.outcome}", credential, at, by)
    reconsider_applications(expert=credential.expert, at=at)
    return credential


_DECIDED = ["state", "assurance", "valid_until", "asked_for", "decision", "decided_at"]


@transaction.atomic
def withdraw_credential(*, credential: Credential, at: datetime) -> Credential:
    """The expert takes a claim back; its papers are purged at the next occasion."""
    credential = _locked(credential)
    require_transition(TRANSITIONS, credential, "withdrawn")
    credential.state = "withdrawn"
    credential.save(update_fields=["state"])
    keep_documents_until(credential=credential, until=at)
    _tell("credential.withdrawn", credential, at, credential.expert.user)
    return credential


def _require_whole(verdict: Verdict) -> None:
    open_points = [point for point in CHECKLIST if point not in verdict.checklist]
    if open_points:
        errors = [{"field": point, "problem": "is not answered"} for point in open_points]
        raise InvalidInput("Answer every point of the checklist.", errors=errors)
    if verdict.outcome == "verified" and not all(verdict.checklist.values()):
        raise InvalidInput("A point of the checklist speaks against it.", errors=[])
    if verdict.outcome == "needs_info" and not verdict.reason.message.strip():
        errors = [{"field": "message", "problem": "says what is needed"}]
        raise InvalidInput("Say what the person should send.", errors=errors)


def _require_read(credential: Credential, by: User) -> None:
    kept = credential.documents.filter(purged_at__isnull=True)
    unread = kept.exclude(pk__in=DocumentAccess.objects.filter(by=by).values("document")).count()
    if unread:
        papers = "the paper" if unread == 1 else f"{unread} papers"
        raise PaperUnread(f"Open {papers} you have not looked at, then decide.", unread=unread)


def _record_decision(
    credential: Credential, verdict: Verdict, by: User, at: datetime
) -> DecisionRecord:
    subject = Subject("credential", credential.pk, credential.expert)
    if verdict.outcome == "rejected":
        return record_adverse_decision(
            kind="credential.rejected", subject=subject, reason=verdict.reason, decided_by=by, at=at
        )
    return record_decision(
        kind="credential.verified", subject=subject, reason=verdict.reason, decided_by=by, at=at
    )


def _keep_verification(credential: Credential, verdict: Verdict, by: User, at: datetime) -> None:
    facts: dict[str, Any] = {"checklist": dict(verdict.checklist), **verdict.facts}
    if verdict.registry:
        facts["registry"] = {
            "url": verdict.registry.url,
            "seen_on": verdict.registry.seen_on.isoformat(),
            "name_as_shown": verdict.registry.name_as_shown,
        }
    status = {"verified": "passed", "rejected": "failed"}.get(verdict.outcome, "inconclusive")
    Verification.objects.create(
        credential=credential,
        verifier=VERIFIER,
        verifier_version=VERIFIER_VERSION,
        status=status,
        code=verdict.reason.code,
        assurance=verdict.assurance,
        facts=facts,
        decided_by=by,
        finished_at=at,
    )


def _locked(credential: Credential) -> Credential:
    rows = Credential.objects.select_for_update(of=("self",)).select_related("expert__user")
    return rows.get(pk=credential.pk)


def _tell(kind: str, credential: Credential, at: datetime, by: User) -> None:
    record(
        kind,
        at=at,
        object_kind="credential",
        object_id=credential.pk,
        actor=by.pk,
        expert=credential.expert_id,
        data={"kind": credential.kind},
    )
