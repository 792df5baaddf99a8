"""What facts settle in an application without anybody's judgement, and its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.states import require_transition
from marketplace.people.models import DecisionRecord, Expert, User
from marketplace.people.services.deciding import Subject, record_decision
from vetting.models import Application
from vetting.models.applications import MOVING, TRANSITIONS
from vetting.selectors.facts import Weighed, qualification_end, weigh_domain
from vetting.services.qualifying import grant_qualification


@transaction.atomic
def settle_application(*, application: Application, at: datetime) -> Application:
    """Move a submitted application as far as the facts carry it.

    Everything unmet: `not_eligible_yet`, with what to get. A check still running: it waits. All
    decided: to review, and in a domain that is not regulated approved at once.
    """
    weighed = weigh_domain(application.expert, application.domain, at)
    truths = {each.reason.truth for each in weighed}
    if truths <= {"unmet"}:
        words = [word for each in weighed for word in each.reason.missing()]
        application.missing = list(dict.fromkeys(words)) or ["a skill to apply for"]
        return move_application(application=application, state="not_eligible_yet", by=None, at=at)
    if "undecided" in truths:
        return application
    application.in_review_at = at
    move_application(application=application, state="in_review", by=None, at=at)
    if application.domain.is_regulated:
        return application
    subject = Subject("application", application.pk, application.expert)
    decision = record_decision(kind="application.approved", subject=subject, at=at)
    return approve_application(
        application=application, weighed=weighed, decision=decision, by=None, at=at
    )


@transaction.atomic
def reconsider_applications(*, expert: Expert, at: datetime) -> int:
    """Look again at what waits for facts, after a test or a credential was decided. How many."""
    waiting = Application.objects.select_for_update(of=("self",)).filter(
        expert=expert, state__in=["submitted", "not_eligible_yet"]
    )
    applications = list(waiting.select_related("domain", "expert__user").order_by("id"))
    for application in applications:
        if application.state == "not_eligible_yet":
            weighed = weigh_domain(expert, application.domain, at)
            if all(each.reason.truth == "unmet" for each in weighed):
                continue
            application.submitted_at, application.missing = at, []
            move_application(application=application, state="submitted", by=None, at=at)
        settle_application(application=application, at=at)
    return len(applications)


@transaction.atomic
def approve_application(
    *,
    application: Application,
    weighed: Sequence[Weighed],
    decision: DecisionRecord,
    by: User | None,
    at: datetime,
) -> Application:
    """Approve, and grant in the same transaction every skill whose policy is not unmet."""
    close_application(application=application, state="approved", decision=decision, by=by, at=at)
    expires_at = qualification_end(application.expert, at)
    for each in weighed:
        if each.reason.truth != "unmet":
            grant_qualification(
                expert=application.expert,
                skill=each.skill,
                basis=each.reason.as_json(),
                policy=each.policy,
                application=application,
                expires_at=expires_at,
                at=at,
            )
    return application


@transaction.atomic
def close_application(
    *,
    application: Application,
    state: str,
    decision: DecisionRecord,
    by: User | None,
    at: datetime,
) -> Application:
    """Keep the decision that ends the wait."""
    application.decision, application.decided_at = decision, at
    application.forget_proposal()
    return move_application(application=application, state=state, by=by, at=at)


@transaction.atomic
def move_application(
    *, application: Application, state: str, by: User | None, at: datetime
) -> Application:
    """One step of the table, written and told; without `by` a rule took it."""
    require_transition(TRANSITIONS, application, state)
    application.state = state
    application.save(update_fields=MOVING)
    record(
        f"application.{state}",
        at=at,
        object_kind="application",
        object_id=application.pk,
        actor=by.pk if by else None,
        expert=application.expert_id,
        data={"domain": str(application.domain_id)},
    )
    return application
