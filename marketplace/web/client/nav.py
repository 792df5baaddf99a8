"""A client's menu; the first four are the phone's bottom bar."""

from __future__ import annotations

from marketplace.web.entries import Entry

_PROJECT_PAGES = (
    *("client:project", "client:new_project", "client:about", "client:guidelines"),
    *("client:terms", "client:needs", "client:plan", "client:new_batch", "client:batch"),
    *("client:new_import", "client:import", "client:task"),
)
ENTRIES: tuple[Entry, ...] = (
    Entry("client:overview", "Overview", "layout-dashboard"),
    Entry("client:projects", "Projects", "folder-kanban", also=_PROJECT_PAGES),
    Entry("client:review", "Review", "list-checks", also=("client:review_item",)),
    Entry(
        "client:billing",
        "Billing",
        "wallet",
        also=(
            *("client:budgets", "client:papers", "client:paper", "client:payroll"),
            *("client:refunds", "client:ask_refund", "client:give_up"),
        ),
    ),
    Entry("client:exports", "Exports", "package", also=("client:export",)),
    Entry("client:members", "Members", "users"),
    Entry("client:keys", "API keys", "key-round"),
)
