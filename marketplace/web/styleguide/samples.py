"""Made-up values for every component: long words, nothing, very much, and right to left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

LONG = "Rechtsschutzversicherungsgesellschaften compared with Donaudampfschifffahrt"

SCALE = [
    {"value": str(value), "label": label, "side": side}
    for value, label, side in (
        (-3, "A is much better", "a"),
        (-2, "A is better", "a"),
        (-1, "A is slightly better", "a"),
        (0, "About the same", "mid"),
        (1, "B is slightly better", "b"),
        (2, "B is better", "b"),
        (3, "B is much better", "b"),
    )
]
CONFIDENCE = [
    {"value": str(value), "label": label}
    for value, label in ((1, "Guessing"), (2, "Unsure"), (3, "Fairly sure"), (4, "Sure"))
]
CHOICES = [
    {"value": "none", "label": "None", "hint": ""},
    {"value": "search", "label": "Search or references", "hint": "Books, papers, the web"},
    {"value": "llm", "label": LONG, "hint": "Say which one in the rationale"},
]
CATEGORIES = [
    {"value": "low_effort", "label": "Low effort"},
    {"value": "wrong_or_unsupported", "label": "Wrong or unsupported"},
]
SEG = [
    {"label": "Open", "url": "?state=open", "is_current": True},
    {"label": "Closed", "url": "?state=closed", "is_current": False},
]
TABS = [
    {"label": "Active", "url": "#", "is_current": True, "count": 3},
    {"label": "In review", "url": "#", "is_current": False, "count": 10000},
    {"label": "Decided", "url": "#", "is_current": False, "count": ""},
]
WORK = [
    {
        "title": "Compare two answers to a medical statistics question",
        "url": "#",
        "icon": "git-compare-arrows",
        "kind": "Preference",
        "client": "Northwind Labs",
        "left": "42 tasks left for you",
        "pay": "18.00 USD",
        "time": "14 min · 77.14 USD/h",
        "matches": ["Medicine, level 2"],
        "missing": [],
        "act": "Open",
    },
    {
        "title": LONG,
        "url": "#",
        "icon": "tags",
        "kind": "Classification",
        "client": "private",
        "left": "10,000 tasks left for you",
        "pay": "1,234,567.89 USD",
        "time": "estimate from the pilot",
        "matches": [],
        "missing": ["Law, level 1"],
        "act": "Open",
    },
]
FEED = [
    {
        "icon": "check",
        "tone": "ok",
        "title": "Approved",
        "text": "Rubric grading",
        "url": "#",
        "when": "2 hours ago",
    },
    {
        "icon": "message-square-warning",
        "tone": "warn",
        "title": "Changes requested",
        "text": LONG,
        "url": "",
        "when": "due in 22 hours",
    },
    {
        "icon": "banknote",
        "tone": "accent",
        "title": "Payout on its way",
        "text": "612.40 USD",
        "url": "",
        "when": "20 Nov",
    },
]
INSTANT = datetime(2026, 11, 20, 9, 12, tzinfo=UTC)
TIMELINE = [
    {
        "icon": "hand",
        "tone": "accent",
        "state": "active",
        "actor": "you",
        "reason": "",
        "at": INSTANT,
    },
    {
        "icon": "x",
        "tone": "bad",
        "state": "rejected",
        "actor": "by brisk-heron-41",
        "reason": "wrong_or_unsupported, rule 3: the second number contradicts the first.",
        "at": datetime(2026, 11, 20, 11, 40, tzinfo=UTC),
    },
    {
        "icon": "check",
        "tone": "ok",
        "state": "approved",
        "actor": "by a rule",
        "reason": "",
        "at": datetime(2026, 11, 27, 11, 40, tzinfo=UTC),
    },
]
CHECKS = [
    {"state": "done", "title": "Confirm your e-mail"},
    {"state": "done", "title": "Send a credential", "waits": "in_review"},
    {
        "state": "next",
        "title": "Take the test",
        "hint": "35 minutes, 25.00 USD",
        "url": "#",
        "act": "Start",
    },
    {"state": "todo", "title": LONG, "url": "#", "act": "Connect"},
]
TREE = [
    {"depth": 0, "words": "all of these", "truth": "undecided", "tone": "warn", "icon": "clock"},
    {"depth": 1, "words": "a licence, a2", "truth": "met", "tone": "ok", "icon": "check"},
    {"depth": 1, "words": LONG, "truth": "unmet", "tone": "", "icon": "circle"},
]
SCORES: list[dict[str, Any]] = [
    {"is_known": True, "value": 94.1, "low": 90, "high": 97, "width": 7, "n": 197},
    {"is_known": True, "value": 71.0, "low": 52, "high": 86, "width": 34, "n": 12},
    {"is_known": False, "n": 4},
]
BARS = {
    "ticks": [{"label": f"{100 * step}", "y": 100 - 25 * step} for step in range(5)],
    "columns": ["Week of", "Paid", "In review"],
    "labels": ["31 Aug", "28 Sep", "26 Oct", "16 Nov"],
    "bars": [
        {
            "label": f"Week {week}",
            "height": 20 + 5 * week,
            "solid_height": 15 + 5 * week,
            "striped_height": 5,
            "words": f"{60 + 20 * week}.00 USD paid, 20.00 USD in review",
            "cells": [f"{60 + 20 * week}.00", "20.00"],
        }
        for week in range(12)
    ],
}
JOBS: list[dict[str, Any]] = [
    {
        "id": "01980000-0000-7000-8000-00000000000a",
        "title": "Import",
        "word": "waiting",
        "tone": "",
        "icon": "clock",
        "counts": "Waiting for 3 s",
        "note": "",
        "percent": None,
        "cancel_url": "#",
        "is_moving": False,
    },
    {
        "id": "01980000-0000-7000-8000-00000000000b",
        "title": "Export",
        "word": "running",
        "tone": "accent",
        "icon": "loader",
        "counts": "4,000 of 10,000 · 800 rows/s · 8 s left",
        "note": "Writing consensus.jsonl",
        "percent": 40,
        "cancel_url": "#",
        "is_moving": False,
    },
    {
        "id": "01980000-0000-7000-8000-00000000000c",
        "title": "Export",
        "word": "stopped",
        "tone": "bad",
        "icon": "circle-alert",
        "counts": "The disk is full. 4,000 rows are kept.",
        "note": "",
        "percent": None,
        "retry_url": "#",
        "is_moving": False,
    },
    {
        "id": "01980000-0000-7000-8000-00000000000d",
        "title": "Export",
        "word": "done",
        "tone": "ok",
        "icon": "check",
        "counts": "10,000 rows in 12 s",
        "note": "",
        "percent": 100,
        "result_url": "#",
        "result_label": "Download",
        "is_moving": False,
    },
    {
        "id": "01980000-0000-7000-8000-00000000000e",
        "title": "Import",
        "word": "cancelled",
        "tone": "",
        "icon": "ban",
        "counts": "Nothing was kept.",
        "note": "",
        "percent": None,
        "is_moving": False,
    },
]
PAGE = {"words": "25 shown, more follow", "first_url": "?", "next_url": "?after=x"}
LEASE = {"seconds_left": 2527, "seconds_total": 3600}
PROSE = r"""Reading text with **weight**, a [link](https://example.org) and `code <= 3`.

$$P(D\mid +)=\frac{0.95\times 0.01}{0.1085}\approx 0.0876$$

```python
def ppv(prevalence: float) -> float:
    return 0.95 * prevalence / 0.1085  # positive predictive value
```

| Prevalence | P |
|---:|---:|
| 1 % | 8.8 % |

> A quoted remark."""
RIGHT_TO_LEFT = "مرحبا بكم في نقابة الخبراء، حيث يُدفع مقابل كل عمل."
