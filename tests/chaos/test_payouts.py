"""A whole journey with real processes, while its worker is killed and its broker wiped."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis
from django.conf import settings

from marketplace.kit.servers.folders import make_folder, private_mode
from marketplace.kit.servers.processes import marked
from marketplace.kit.servers.stack import redis_url

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(300)]
ROWS, ANSWERS, EXPERTS = 24, 3, 8


def pairs(path: Path) -> Path:
    """A file that is shaped like nobody's but its owner's."""
    rows = [
        {"q": f"What is {n} + {n}?", "answers": {"first one": f"{2 * n}", "second": "unclear"}}
        for n in range(ROWS)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def tickets(path: Path) -> Path:
    """A CSV with a byte-order mark and a truth column."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(["Text of ticket", "Labels", "cause"])
        for n in range(ROWS):
            out.writerow([f"Order {n} was charged twice", "billing|bug", ("billing", "bug")[n % 2]])
    return path


def journey(*words: str, home: Path) -> subprocess.Popen[str]:
    environ = {name: value for name, value in os.environ.items() if "DATABASE" not in name}
    environ |= {"DATA_DIR": str(home), "DEBUG": "1"}
    environ |= {"DJANGO_SETTINGS_MODULE": "marketplace.settings"}  # not the tests' own
    environ.pop("REDIS_URL", None)
    return subprocess.Popen(
        [sys.executable, "manage.py", "journey", "--json", *words],
        cwd=settings.BASE_DIR,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def home(instance_home: Path) -> Path:
    make_folder(instance_home / "scratch", mode=private_mode())
    return instance_home


def kill_workers_and_wipe(home: Path) -> int:
    """One round of faults in the running scratch instance; how many processes were killed."""
    (scratch,) = (home / "scratch").iterdir()
    victims = marked(scratch, ["worker"])
    for victim in victims:
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            continue
    redis.Redis.from_url(redis_url(scratch)).flushall()
    return len(victims)


@pytest.mark.xdist_group("chaos")
def test_row_30_each_earning_is_paid_exactly_once(home: Path, tmp_path: Path) -> None:
    words = ["--input", str(pairs(tmp_path / "pairs.jsonl")), "--format", "preference"]
    words += ["--map", "prompt=q", "--map", "response_a=answers.first one"]
    words += ["--map", "response_b=answers.second", "--answers", str(ANSWERS)]
    words += ["--experts", str(EXPERTS), "--out", str(tmp_path / "out")]
    killed, told = 0, []
    with journey(*words, home=home) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        for line in process.stderr:
            told.append(line)
            if line.startswith(("fund", "answer", "review", "pay", "export")):
                killed += kill_workers_and_wipe(home)
        printed = process.stdout.read()
    report = json.loads(printed)
    rows = (tmp_path / "out/data.jsonl").read_text(encoding="utf-8").splitlines()

    assert process.returncode == 0, "".join(told[-30:])
    assert killed >= 5
    assert [each["name"] for each in report["checks"] if not each["is_met"]] == []
    assert report["counts"]["approved"] == ROWS * ANSWERS
    assert {tuple(json.loads(row)) for row in rows} == {("prompt", "chosen", "rejected")}


@pytest.mark.xdist_group("chaos")
def test_a_file_of_another_shape_goes_the_same_way(home: Path, tmp_path: Path) -> None:
    words = ["--input", str(tickets(tmp_path / "tickets.csv")), "--format", "classification"]
    words += ["--map", "text=Text of ticket", "--map", "labels=Labels", "--truth", "cause"]
    with journey(*words, "--experts", "4", "--answers", "2", home=home) as process:
        out, err = process.communicate()

    assert process.returncode == 0, err[-2000:]
    assert json.loads(out)["counts"] | {"experts": 4, "rows": ROWS} == json.loads(out)["counts"]


@pytest.mark.xdist_group("chaos")
def test_a_mapping_that_fits_no_row_says_which_and_imports_nothing(
    home: Path, tmp_path: Path
) -> None:
    words = ["--input", str(pairs(tmp_path / "pairs.jsonl")), "--format", "preference"]
    words += ["--map", "prompt=nowhere", "--map", "response_a=answers.first one"]
    words += ["--map", "response_b=answers.second", "--experts", "3"]
    with journey(*words, home=home) as process:
        _, err = process.communicate()

    assert process.returncode == 1
    assert "nowhere" in err
