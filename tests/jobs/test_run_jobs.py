from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from tests.jobs.kinds import calls, queued

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("run_jobs", *arguments, stdout=out)
    return out.getvalue()


def test_due_jobs_run_without_celery() -> None:
    queued("one")
    queued("two", kind="tests.act_for_long")

    assert run() == "2 jobs ran.\n"
    assert calls == ["one", "two"]


def test_one_queue_can_be_chosen() -> None:
    queued("one")
    queued("two", kind="tests.act_for_long")

    assert run("--queue", "bulk") == "1 job ran.\n"
    assert calls == ["two"]
