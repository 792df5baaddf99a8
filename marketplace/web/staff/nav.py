"""The staff's menu; the first four are the phone's bottom bar."""

from __future__ import annotations

from django.conf import settings

from marketplace.web.entries import Entry
from marketplace.web.staff.access import BOOKS, CASES

_ALWAYS = (
    Entry("staff:queues", "Queues", "inbox"),
    Entry(
        "staff:applications",
        "Applications",
        "graduation-cap",
        short="Cases",
        also=("staff:application", "staff:decide_application"),
        roles=CASES,
    ),
    Entry(
        "staff:credentials",
        "Credentials",
        "badge-check",
        short="Papers",
        also=("staff:credential",),
        roles=("vetting",),
    ),
    Entry(
        "staff:catalogue",
        "Catalogue",
        "library",
        also=("staff:domain", "staff:assessments", "staff:assessment"),
        roles=CASES,
    ),
    Entry(
        "staff:runs",
        "Payout runs",
        "banknote",
        short="Runs",
        also=("staff:run", "staff:payouts", "staff:payout"),
        roles=BOOKS,
    ),
    Entry(
        "staff:ledger",
        "Ledger",
        "scale",
        also=("staff:accounts", "staff:account", "staff:posting"),
        roles=BOOKS,
    ),
    Entry("staff:jobs", "Jobs", "cog", also=("staff:job",)),
    Entry(
        "staff:events", "Events", "scroll-text", also=("staff:check_events",), roles=("auditor",)
    ),
)
_SANDBOX = Entry("staff:sandbox", "Sandbox", "flask-conical", roles=BOOKS)

ENTRIES: tuple[Entry, ...] = (
    (*_ALWAYS, _SANDBOX) if settings.PAYMENTS_MODE == "sandbox" else _ALWAYS
)
