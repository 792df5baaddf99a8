"""The staff's menu; the first four are the phone's bottom bar."""

from __future__ import annotations

from marketplace.web.entries import Entry
from marketplace.web.staff.access import BOOKS, CASES
from marketplace.web.staff.money_tabs import VIEWS

ENTRIES: tuple[Entry, ...] = (
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
    Entry("staff:money", "Money", "banknote", also=VIEWS, roles=BOOKS),
    Entry("staff:jobs", "Jobs", "cog", also=("staff:job",)),
    Entry(
        "staff:events", "Events", "scroll-text", also=("staff:check_events",), roles=("auditor",)
    ),
)
