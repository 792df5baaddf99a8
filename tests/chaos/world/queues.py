"""Limits short enough to see a lease run out."""

from __future__ import annotations

from marketplace.kit.environment import JobQueue

QUEUES: dict[str, JobQueue] = {
    "money": {"hard": 2, "lease": 3, "attempts": 100},
    "default": {"hard": 2, "lease": 3, "attempts": 2},
    "bulk": {"hard": None, "lease": 3, "attempts": 5},
}
