"""Asking for a domain, and the people who decide: one proposes, another confirms."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.db import IntegrityError, transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.people.models import Expert, User
from marketplace.people.services.deciding import (
    NO_REASON,
    Reason,
    Subject,
    record_adverse_decision,
    record_decision,
)
from vetting.access import require_unconflicted
from vetting.models import Application, Domain
from vetting.models.applications import MOVING
from vetting.selectors.facts import Weighed, weigh_domain
from vetting.services.settling import (
    approve_application,
    close_application,
    move_application,
    settle_application,
)

SHORTEST_MESSAGE = 100


class AlreadyApplied(DomainError):
    """One application per domain is open at a time."""

    code = "already_applied"


class NothingProposed(DomainError):
    """There is no proposal to confirm or drop."""

    code = "nothing_proposed"


class FactsMissing(DomainError):
    """Nobody can be approved while every policy of the domain is unmet."""

    code = "facts_missing"


class CheckRunning(DomainError):
    """Nobody can be approved while a test or a credential that a policy asks for is undecided."""

    code = "check_running"


@transaction.atomic
def apply(*, expert: Expert, domain: Domain, at: datetime, statement: str = "") -> Application:
    """Begin an application. Raises AlreadyApplied while another one for the domain is open."""
    try:
        with transaction.atomic():
            application = Application.objects.create(
                expert=expert, domain=domain, statement=statement, created_at=at
            )
    except IntegrityError as refused:
        raise AlreadyApplied(f"You have an open application for {domain.name}.") from refused
    _tell("application.drafted", application, expert.user, at)
    return application


@transaction.atomic
def submit(*, application: Application, at: datetime) -> Application:
    """Hand in; what the facts settle is settled at once (`settle_application`)."""
    application = _locked(application)
    application.submitted_at, application.missing = at, []
    move_application(application=application, state="submitted", by=application.expert.user, at=at)
    return settle_application(application=application, at=at)


@transaction.atomic
def withdraw(*, application: Application, at: datetime) -> Application:
    """Take an application back; it counts for nothing."""
    application = _locked(application)
    application.forget_proposal()
    application.missing = []
    return move_application(
        application=application, state="withdrawn", by=application.expert.user, at=at
    )


@transaction.atomic
def propose_decision(
    *,
    application: Application,
    outcome: Literal["approved", "declined"],
    by: User,
    at: datetime,
    reason: Reason = NO_REASON,
) -> Application:
    """Propose to approve or decline; a second person has to confirm. A newer proposal replaces.

    To decline takes a reason code, a message of 100 characters and evidence. Raises FactsMissing,
    CheckRunning, NotYourDecision, InvalidInput.
    """
    application = _locked(application)
    require_unconflicted(user=by, expert=application.expert)
    if application.state == "submitted":
        application.in_review_at = at
        move_application(application=application, state="in_review", by=by, at=at)
    _require_in_review(application)
    if outcome == "declined":
        _require_reason(reason)
    else:
        _weigh(application, at)
    application.proposed_outcome = outcome
    application.proposed_by, application.proposed_at = by, at
    application.proposed_reason, application.proposed_message = reason.code, reason.message
    application.proposed_evidence = list(reason.evidence)
    application.save(update_fields=MOVING)
    _tell("application.decision_proposed", application, by, at)
    return application


@transaction.atomic
def confirm_decision(*, application: Application, by: User, at: datetime) -> Application:
    """Make a proposal of somebody else true: approve and grant, or decline with an appeal clock.

    Raises NothingProposed, FactsMissing, CheckRunning, NotYourDecision.
    """
    application = _locked(application)
    _require_proposal(application)
    require_unconflicted(user=by, expert=application.expert)
    if application.proposed_outcome == "declined":
        return _decline(application, by, at)
    weighed = _weigh(application, at)
    decision = record_decision(
        kind="application.approved",
        subject=Subject("application", application.pk, application.expert),
        decided_by=by,
        proposed_by=application.proposed_by,
        reason=_reason(application),
        at=at,
    )
    return approve_application(
        application=application, weighed=weighed, decision=decision, by=by, at=at
    )


@transaction.atomic
def drop_proposal(*, application: Application, by: User, at: datetime) -> Application:
    """Take a proposal off the table; the application stays in review."""
    application = _locked(application)
    _require_proposal(application)
    application.forget_proposal()
    application.save(update_fields=MOVING)
    _tell("application.proposal_dropped", application, by, at)
    return application


@transaction.atomic
def waitlist(*, application: Application, message: str, by: User, at: datetime) -> Application:
    """No more people are needed now: one person may say so, and nothing is tested again later."""
    application = _locked(application)
    require_unconflicted(user=by, expert=application.expert)
    if application.state == "submitted":
        application.in_review_at = at
        move_application(application=application, state="in_review", by=by, at=at)
    decision = record_decision(
        kind="application.waitlisted",
        subject=Subject("application", application.pk, application.expert),
        decided_by=by,
        reason=Reason(code="no_need_now", message=message, evidence=[]),
        at=at,
    )
    return close_application(
        application=application, state="waitlisted", decision=decision, by=by, at=at
    )


@transaction.atomic
def take_from_waitlist(*, application: Application, by: User, at: datetime) -> Application:
    """There is need again: back to the people who decide."""
    application = _locked(application)
    application.in_review_at, application.decided_at = at, None
    return move_application(application=application, state="in_review", by=by, at=at)


def _decline(application: Application, by: User, at: datetime) -> Application:
    decision = record_adverse_decision(
        kind="application.declined",
        subject=Subject("application", application.pk, application.expert),
        reason=_reason(application),
        decided_by=by,
        proposed_by=application.proposed_by,
        at=at,
    )
    return close_application(
        application=application, state="declined", decision=decision, by=by, at=at
    )


def _reason(application: Application) -> Reason:
    return Reason(
        code=application.proposed_reason,
        message=application.proposed_message,
        evidence=application.proposed_evidence,
    )


def _require_reason(reason: Reason) -> None:
    if not reason.code or not reason.evidence or len(reason.message.strip()) < SHORTEST_MESSAGE:
        raise InvalidInput(
            f"To decline takes a reason, at least {SHORTEST_MESSAGE} characters to the person,"
            " and evidence.",
            errors=[{"field": "message", "problem": f"needs {SHORTEST_MESSAGE} characters"}],
        )


def _require_in_review(application: Application) -> None:
    if application.state != "in_review":
        raise NothingProposed(f"This application is {application.state}; nobody decides it now.")


def _require_proposal(application: Application) -> None:
    if not application.proposed_outcome:
        raise NothingProposed("Nobody has proposed a decision.")


def _weigh(application: Application, at: datetime) -> list[Weighed]:
    """What the facts say now, where that lets people approve.

    A skill without a policy is theirs to decide; one whose check still runs is not.
    """
    weighed = weigh_domain(application.expert, application.domain, at)
    if all(each.reason.truth == "unmet" for each in weighed):
        raise FactsMissing("A fact that the domain asks for is missing; nobody can approve that.")
    running = [word for each in weighed if each.policy for word in each.reason.undecided()]
    if running:
        raise CheckRunning(f"Still being checked: {', '.join(dict.fromkeys(running))}.")
    return weighed


def _locked(application: Application) -> Application:
    rows = Application.objects.select_for_update(of=("self",))
    return rows.select_related("domain", "expert__user", "proposed_by").get(pk=application.pk)


def _tell(kind: str, application: Application, by: User, at: datetime) -> None:
    record(
        kind,
        at=at,
        object_kind="application",
        object_id=application.pk,
        actor=by.pk,
        expert=application.expert_id,
        data={"domain": str(application.domain_id)},
    )
