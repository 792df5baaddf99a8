"""News for higher packages: `events` records them."""

from __future__ import annotations

from django.dispatch import Signal

# Each carries `job` as it is now, `at`, and `by`: the id of the person who asked, or None.
job_dead = Signal()
job_retried = Signal()
job_cancelled = Signal()
