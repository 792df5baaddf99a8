"""Settings of every process that these tests of the money start."""

from __future__ import annotations

# Only the money's own ticks, no pauses between calls.
CALM = {
    "JOBS_TICKS": {"payouts.post_earnings": 2, "payouts.sweep_attempts": 60},
    "JOBS_SCHEDULE": {},
    "PAYOUT_RATE_PER_S": 0,
    "PAYOUT_MINIMUM": {"USD": 1000},
}
