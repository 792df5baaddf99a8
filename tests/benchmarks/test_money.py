"""The benchmarks of money run, at sizes that say nothing about speed."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

pytestmark = pytest.mark.django_db(transaction=True)


def bench(name: str, *options: str) -> str:
    """What the benchmark prints, in this test's database."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            f"benchmarks.{name}",
            "--database",
            connection.settings_dict["NAME"],
            *options,
        ],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "benchmarks.settings"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_ledger_benchmark_runs() -> None:
    shown = bench(
        "posting",
        *("--seconds", "0.2", "--repeat", "1", "--backlog", "60"),
        *("--singles", "10", "--entries", "2000"),
    )

    assert "approvals with rounds, times inline" in shown
    assert "posting in rounds, times one by one" in shown
    assert "check_ledger" in shown
    assert re.search(r"problems found +0\n", shown)


def test_the_payout_run_benchmark_runs() -> None:
    shown = bench("payout_run", "--experts", "12", "--sends", "8", "--rates", "50")

    assert "a run of 12 experts prepares" in shown
    assert "transfers at PAYOUT_RATE_PER_S=50" in shown
