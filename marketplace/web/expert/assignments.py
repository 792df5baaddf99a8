"""What became of one's tasks."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.events.models import Event
from marketplace.kit.money import Money
from marketplace.people.models import Expert
from marketplace.web.expert.labels import Badge, badge_of
from marketplace.web.expert.own import for_expert, own_assignment
from marketplace.web.expert.pace import pay_words
from marketplace.web.expert.task import given_lines
from marketplace.web.paging import page_of
from payouts.access import visible_earnings
from payouts.models import Earning
from tasks.access import own_assignments, visible_reviews
from tasks.models import Assignment

GROUPS = {
    "active": ("Active", ("active", "changes_requested")),
    "review": ("In review", ("awaiting_review", "disputed")),
    "decided": (
        "Decided",
        (
            "approved",
            "partially_approved",
            "rejected",
            "rejected_final",
            "cancelled_paid",
            "screened_out",
        ),
    ),
    "left": ("Left", ("returned", "expired")),
}
_EVENT_WORDS = {
    "claimed": ("accent", "hand"),
    "submitted": ("accent", "send"),
    "approved": ("ok", "check"),
    "partially_approved": ("ok", "check"),
    "changes_requested": ("warn", "message-square-warning"),
    "rejected": ("bad", "x"),
    "returned": ("", "undo-2"),
    "expired": ("", "timer-off"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One assignment as My tasks lists it."""

    assignment: Assignment
    badge: Badge
    pay: str
    is_open: bool


@for_expert
def my_tasks(request: HttpRequest, expert: Expert) -> HttpResponse:
    """All assignments by state, newest first."""
    group = request.GET.get("show", "active")
    group = group if group in GROUPS else "active"
    own = own_assignments(to=expert.user).filter(state__in=GROUPS[group][1])
    page = page_of(request, own.select_related("project__organization", "batch"))
    context = {
        "page": page,
        "rows": [_row(each) for each in page.rows],
        "tabs": [
            {"label": label, "url": f"?show={key}", "is_current": key == group, "count": ""}
            for key, (label, _) in GROUPS.items()
        ],
        "group": group,
    }
    return render(request, "web/expert/my_tasks.html", context)


@for_expert
def submission(request: HttpRequest, expert: Expert, assignment_id: UUID) -> HttpResponse:
    """What was sent, what was said about it, what it pays, and every step on the way."""
    assignment = own_assignment(expert, assignment_id)
    sent = list(assignment.submissions.order_by("-revision", "pk"))
    reviews = visible_reviews(to=expert.user).filter(submission__assignment=assignment)
    earnings = visible_earnings(to=expert.user).filter(key=f"assignment:{assignment.pk}")
    context = {
        "assignment": assignment,
        "badge": badge_of(assignment.state),
        "pay": _pay(assignment),
        "lines": given_lines(assignment, sent[0]) if sent else [],
        "sent": sent,
        "reviews": reviews.select_related("decision").order_by("-reviewed_at", "pk"),
        "earnings": [_earning(each) for each in earnings.order_by("pk")],
        "timeline": _timeline(assignment),
    }
    return render(request, "web/expert/submission.html", context)


def _row(assignment: Assignment) -> Row:
    is_open = assignment.state in GROUPS["active"][1]
    return Row(assignment, badge_of(assignment.state), _pay(assignment), is_open)


def _pay(assignment: Assignment) -> str:
    """What was paid, or what approval would pay."""
    currency = assignment.batch.currency
    if assignment.pay_minor is not None:
        return str(Money(assignment.pay_minor, currency))
    return pay_words(Money(assignment.price_minor, currency), assignment.hourly_minor)


def _earning(earning: Earning) -> dict[str, object]:
    return {
        "amount": Money(earning.pay_minor, earning.currency),
        "badge": badge_of(earning.state),
        "available_at": earning.available_at,
    }


def _timeline(assignment: Assignment) -> list[dict[str, object]]:
    events = Event.objects.filter(object_id=assignment.pk).order_by("id")
    return [_step(event, assignment) for event in events]


def _step(event: Event, assignment: Assignment) -> dict[str, object]:
    verb = event.kind.partition(".")[2]
    tone, icon = _EVENT_WORDS.get(verb, ("", "circle"))
    actor = "by a rule"
    if event.actor is not None:
        actor = "by you" if event.actor == assignment.expert.user_id else "by a reviewer"
    return {
        "tone": tone,
        "icon": icon,
        "state": verb.replace("_", " "),
        "actor": actor,
        "reason": str(event.data.get("reason", "")),
        "at": event.occurred_at,
    }
