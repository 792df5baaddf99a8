"""What is known about an application: the tree, the papers, the tests, and what happened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from marketplace.people.models import User
from marketplace.people.services.deciding import NotYourDecision
from marketplace.web.requirements import tree_lines
from marketplace.web.staff.labels import staff_badge
from vetting.access import (
    require_unconflicted,
    visible_attempts,
    visible_credentials,
    visible_qualifications,
)
from vetting.models import Application, Attempt, Credential
from vetting.selectors.facts import weigh_domain

Values = dict[str, Any]  # Any: template values


def case_of(application: Application, user: User, at: datetime) -> Values:
    """Everything a case page shows of the facts, as far as this person may see them."""
    expert = application.expert
    credentials = visible_credentials(to=user).filter(expert=expert).exclude(state="draft")
    attempts = visible_attempts(to=user).filter(expert=expert)
    attempts = attempts.select_related("assessment", "version", "result")
    held = visible_qualifications(to=user).filter(expert=expert).select_related("skill")
    return {
        "skills": [
            {"skill": each.skill, "lines": tree_lines(each.reason), "badge": each.reason.truth}
            for each in weigh_domain(expert, application.domain, at)
        ],
        "credentials": [_badged(each) for each in credentials.order_by("-pk")],
        "attempts": [_attempt(each) for each in attempts.order_by("-pk")],
        "qualifications": [_badged(each) for each in held.order_by("-pk")],
        "timeline": list(_timeline(application)),
    }


def evidence_choices(case: Values) -> list[tuple[str, str]]:
    """What a decision can point at."""
    credentials: list[Credential] = [each["row"] for each in case["credentials"]]
    attempts: list[Attempt] = [each["row"] for each in case["attempts"]]
    return [
        ("statement", "The statement"),
        *(
            (f"credential:{each.pk}", f"{each.title}, {staff_badge(each.state).word}")
            for each in credentials
        ),
        *(
            (f"attempt:{each.pk}", f"{each.assessment.name}, {staff_badge(each.state).word}")
            for each in attempts
        ),
    ]


def conflict_of(application: Application, user: User) -> str:
    """Why this person may not judge this one; empty where nothing stands against it."""
    try:
        require_unconflicted(user=user, expert=application.expert)
    except NotYourDecision as refused:
        return refused.message
    return ""


def _badged(row: Any) -> Values:  # Any: a row with a state
    return {"row": row, "badge": staff_badge(row.state)}


def _attempt(row: Attempt) -> Values:
    result = getattr(row, "result", None)
    score = f"{result.n_right} of {result.n_answered} right" if result else "not graded"
    return {**_badged(row), "score": score}


def _timeline(application: Application) -> Iterator[Values]:
    yield _step("draft", application.created_at)
    if application.submitted_at:
        yield _step("submitted", application.submitted_at)
    if application.in_review_at:
        yield _step("in_review", application.in_review_at)
    if application.proposed_at and application.proposed_by:
        outcome, who = application.proposed_outcome, application.proposed_by.name
        yield _step(f"{outcome} proposed", application.proposed_at, actor=f"by {who}")
    if application.decided_at and application.decision:
        decision = application.decision
        actor = f"by {decision.decided_by.name}" if decision.decided_by else "by a rule"
        if decision.proposed_by:
            actor = f"proposed by {decision.proposed_by.name}, confirmed {actor}"
        at = application.decided_at
        yield _step(application.state, at, actor=actor, reason=decision.message)
    elif application.state == "withdrawn":
        yield {**_step("withdrawn", application.created_at), "at": None}


def _step(state: str, at: datetime, *, actor: str = "", reason: str = "") -> Values:
    badge = staff_badge(state)
    return {
        "state": badge.word,
        "actor": actor,
        "reason": reason,
        "at": at,
        "tone": badge.tone,
        "icon": badge.icon,
    }
