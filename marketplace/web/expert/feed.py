"""Events about an expert in words."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse

from marketplace.events.models import Event

WORDS = {
    "assignment.submitted": ("Submitted", "send", ""),
    "assignment.approved": ("Approved", "check", "ok"),
    "assignment.partially_approved": ("Approved in part", "check", "ok"),
    "assignment.changes_requested": ("Changes requested", "message-square-warning", "warn"),
    "assignment.rejected": ("Rejected", "x", "bad"),
    "assignment.returned": ("Skipped", "undo-2", ""),
    "assignment.expired": ("Time ran out", "timer-off", ""),
    "assignment.claimed": ("Started a task", "hand", "accent"),
    "terms.accepted": ("Terms accepted", "file-check", ""),
    "credential.verified": ("Credential verified", "badge-check", "ok"),
    "application.submitted": ("Application sent", "send", ""),
    "application.approved": ("Application approved", "badge-check", "ok"),
    "application.declined": ("Application declined", "x", "bad"),
    "qualification.granted": ("Qualified", "award", "ok"),
    "payout.sent": ("Payout on its way", "banknote", "accent"),
    "payout.paid": ("Payout arrived", "banknote", "ok"),
    "payout.held": ("Payout held", "hand", "warn"),
}


def feed_of(events: Iterable[Event]) -> list[dict[str, object]]:
    """One line per event of a kind in WORDS."""
    return [_line(event) for event in events]


def _line(event: Event) -> dict[str, object]:
    title, icon, tone = WORDS[event.kind]
    url = ""
    if event.object_kind == "assignment":
        url = reverse("task", args=[event.object_id])
    return {
        "title": title,
        "icon": icon,
        "tone": tone,
        "text": "",
        "url": url,
        "at": event.occurred_at,
    }
