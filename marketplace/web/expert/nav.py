"""The expert's menu; the first four are the phone's bottom bar."""

from __future__ import annotations

from marketplace.web.entries import Entry

ENTRIES: tuple[Entry, ...] = (Entry("home", "Home", "layout-dashboard"),)
