"""Which rows of vetting a person may see, and whom they may not judge. The only reader of roles."""

from __future__ import annotations

from typing import TypeAlias

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from marketplace.organizations.models import ApiKey, Employment, Membership
from marketplace.people.access import expert_of, staff_roles
from marketplace.people.models import Expert, User
from marketplace.people.services.deciding import NotYourDecision
from vetting.models import (
    Application,
    Assessment,
    AssessmentVersion,
    Attempt,
    AttemptItem,
    AttemptResult,
    Credential,
    Document,
    DocumentAccess,
    Domain,
    Item,
    Qualification,
    QualityEvent,
    RequirementPolicy,
    Response,
    Skill,
    SkillScore,
    Verification,
)

Asker: TypeAlias = User | AnonymousUser | ApiKey


def require_unconflicted(*, user: User, expert: Expert) -> None:
    """Refuse to decide on oneself or on somebody whom one's own organisation employs."""
    if expert.user_id == user.pk:
        raise NotYourDecision("Nobody decides about themselves.")
    employers = Employment.objects.filter(expert=expert, until_date__isnull=True)
    if Membership.objects.filter(
        user=user, organization__in=employers.values("organization")
    ).exists():
        raise NotYourDecision("Nobody decides about people whom their own organisation employs.")


def visible_domains(*, to: Asker) -> QuerySet[Domain]:  # noqa: ARG001 public
    """Everybody may see what there is."""
    return Domain.objects.all()


def visible_skills(*, to: Asker) -> QuerySet[Skill]:  # noqa: ARG001 public
    """Everybody may see what there is."""
    return Skill.objects.all()


def visible_policies(*, to: Asker) -> QuerySet[RequirementPolicy]:  # noqa: ARG001 public
    """What is asked of people is said beforehand."""
    return RequirementPolicy.objects.all()


def visible_assessments(*, to: Asker) -> QuerySet[Assessment]:  # noqa: ARG001 public
    """Everybody may see which tests there are."""
    return Assessment.objects.all()


def visible_assessment_versions(*, to: Asker) -> QuerySet[AssessmentVersion]:  # noqa: ARG001
    """The rules of a test are said beforehand; its questions are not among them."""
    return AssessmentVersion.objects.all()


def visible_items(*, to: Asker) -> QuerySet[Item]:
    """Questions with their keys: vetting and quality only. Candidates see `AttemptItem`."""
    return Item.objects.all() if _roles(to) & {"vetting", "quality"} else Item.objects.none()


def visible_credentials(*, to: Asker) -> QuerySet[Credential]:
    """One's own; vetting all."""
    if _roles(to) & {"vetting"}:
        return Credential.objects.all()
    return Credential.objects.filter(expert__in=_self(to))


def visible_verifications(*, to: Asker) -> QuerySet[Verification]:
    """Those of the credentials one may see."""
    return Verification.objects.filter(credential__in=visible_credentials(to=to))


def visible_documents(*, to: Asker) -> QuerySet[Document]:
    """Those of the credentials one may see; opening one is a verb that leaves a trace."""
    return Document.objects.filter(credential__in=visible_credentials(to=to))


def visible_document_accesses(*, to: Asker) -> QuerySet[DocumentAccess]:
    """Who looked at a document: the expert, vetting and auditors may know."""
    if _roles(to) & {"vetting", "auditor"}:
        return DocumentAccess.objects.all()
    return DocumentAccess.objects.filter(document__credential__expert__in=_self(to))


def visible_attempts(*, to: Asker) -> QuerySet[Attempt]:
    """One's own; vetting and quality all."""
    if _roles(to) & {"vetting", "quality"}:
        return Attempt.objects.all()
    return Attempt.objects.filter(expert__in=_self(to))


def visible_attempt_items(*, to: Asker) -> QuerySet[AttemptItem]:
    """Questions shown in attempts one may see."""
    return AttemptItem.objects.filter(attempt__in=visible_attempts(to=to))


def visible_responses(*, to: Asker) -> QuerySet[Response]:
    """Answers in attempts one may see."""
    return Response.objects.filter(attempt_item__attempt__in=visible_attempts(to=to))


def visible_attempt_results(*, to: Asker) -> QuerySet[AttemptResult]:
    """Results of attempts one may see; pages show experts topics, never the trace."""
    return AttemptResult.objects.filter(attempt__in=visible_attempts(to=to))


def visible_applications(*, to: Asker) -> QuerySet[Application]:
    """One's own; vetting, quality and auditors all."""
    if _roles(to) & {"vetting", "quality", "auditor"}:
        return Application.objects.all()
    return Application.objects.filter(expert__in=_self(to))


def visible_qualifications(*, to: Asker) -> QuerySet[Qualification]:
    """One's own; vetting, quality, support and auditors all."""
    if _roles(to) & {"vetting", "quality", "support", "auditor"}:
        return Qualification.objects.all()
    return Qualification.objects.filter(expert__in=_self(to))


def visible_quality_events(*, to: Asker) -> QuerySet[QualityEvent]:
    """The evidence behind one's own scores; vetting and quality all."""
    if _roles(to) & {"vetting", "quality"}:
        return QualityEvent.objects.all()
    return QualityEvent.objects.filter(expert__in=_self(to))


def visible_skill_scores(*, to: Asker) -> QuerySet[SkillScore]:
    """One's own scores; vetting and quality all."""
    if _roles(to) & {"vetting", "quality"}:
        return SkillScore.objects.all()
    return SkillScore.objects.filter(expert__in=_self(to))


def _roles(to: Asker) -> frozenset[str]:
    return frozenset() if isinstance(to, ApiKey) else staff_roles(to)


def _self(to: Asker) -> QuerySet[Expert]:
    """The asker's own expert as rows: none for strangers and keys."""
    expert = None if isinstance(to, ApiKey) else expert_of(to)
    return Expert.objects.filter(pk=expert.pk) if expert else Expert.objects.none()
