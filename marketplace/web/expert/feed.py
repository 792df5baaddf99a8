"""Events about an expert in words."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse

from marketplace.events.models import Event
from marketplace.kit.money import Money

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
    "payout.bank_failed": ("Payout returned by your bank", "x", "bad"),
    "payout.came_back": ("Payout taken back", "undo-2", "bad"),
    "clawback.made": ("Pay taken back", "undo-2", "bad"),
}

CAUSES = {
    "bank_returned": "Payout returned by your bank",
    "sent_less": "Payout sent in part, the rest is yours",
}


def feed_of(events: Iterable[Event]) -> list[dict[str, object]]:
    """One line per event of a kind in WORDS."""
    return [_line(event) for event in events]


def _line(event: Event) -> dict[str, object]:
    title, icon, tone = WORDS[event.kind]
    title = CAUSES.get(str(event.data.get("cause")), title)
    url = ""
    if event.object_kind == "assignment":
        url = reverse("task", args=[event.object_id])
    elif event.object_kind == "payout":
        url = reverse("payout", args=[event.object_id])
    elif event.object_kind == "clawback":
        url = reverse("earning", args=[event.data["earning"]])
    return {
        "title": title,
        "icon": icon,
        "tone": tone,
        "text": _amount(event) if event.object_kind in ("payout", "clawback") else "",
        "url": url,
        "at": event.occurred_at,
    }


def _amount(event: Event) -> str:
    if "minor" not in event.data:
        return ""
    return str(Money(event.data["minor"], event.data["currency"]))
