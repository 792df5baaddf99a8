"""Every background job is started by something: the clock or a verb."""

from __future__ import annotations

import re

from marketplace.jobs.schedule import JOBS_SCHEDULE, JOBS_TICKS
from tests.architecture.source import ROOT

PACKAGES = ("marketplace", "payouts", "vetting", "tasks")


def _sources() -> dict[str, str]:
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts
    }


def _declared(sources: dict[str, str]) -> set[str]:
    jobs = [text for name, text in sources.items() if name.endswith("/jobs.py")]
    return {found for text in jobs for found in re.findall(r'shared_task\(name="([a-z._]+)"', text)}


def test_every_job_is_started_by_the_clock_or_by_a_verb() -> None:
    sources = _sources()
    rest = "\n".join(text for name, text in sources.items() if not name.endswith("/jobs.py"))

    assert [name for name in sorted(_declared(sources)) if f'"{name}"' not in rest] == []


def test_the_clock_starts_only_jobs_that_exist() -> None:
    declared = _declared(_sources())
    known = {name for name in (*JOBS_TICKS, *JOBS_SCHEDULE) if not name.startswith("jobs.")}

    assert sorted(known - declared) == []
