"""The expert's menu; the first four are the phone's bottom bar."""

from __future__ import annotations

from marketplace.web.entries import Entry

_MONEY_PAGES = ("earning", "payout_setup", "payouts", "payout", "statements", "statement")
ENTRIES: tuple[Entry, ...] = (
    Entry("home", "Home", "layout-dashboard"),
    Entry("find_work", "Find work", "briefcase", short="Work", also=("project",)),
    Entry("my_tasks", "My tasks", "list-todo", short="Tasks", also=("submission",)),
    Entry("earnings", "Earnings", "wallet", also=_MONEY_PAGES),
    Entry("quality", "Quality", "gauge", also=("evidence",)),
    Entry("applications", "Fields", "graduation-cap", also=("field",)),
    Entry("credentials", "Credentials", "badge-check", also=("credential", "add_credential")),
    Entry("tests", "Tests", "clipboard-check", also=("attempt",)),
)
