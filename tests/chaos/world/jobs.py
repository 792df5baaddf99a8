"""Kinds with an effect outside the database, and one that kills whoever runs it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from uuid import UUID

from celery import shared_task
from django.db import connection, transaction

from marketplace.events.services.recording import record
from marketplace.jobs.services.running import finish_job, report_progress
from marketplace.kit import clock


def pay_outside(key: str) -> None:
    """Like Stripe: takes a while, and a repeated key has no second effect."""
    time.sleep(0.03)
    with Path(os.environ["WORLD_CALLS"]).open("a") as calls:
        calls.write(f"{key}\n")


@shared_task(name="world.pay", queue="money")
def pay(*, payout_id: str) -> None:
    pay_outside(payout_id)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO world_paid (payout_id) VALUES (%s)", [payout_id])
        record("payout.paid", at=clock.now(), object_kind="payout", object_id=UUID(payout_id))
        finish_job()


@shared_task(name="world.kill_worker", queue="default")
def kill_worker() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task(name="world.hang_once", queue="default")
def hang_once() -> None:
    """Deaf to the soft limit the first time, so that only the hard one helps."""
    if "hung" in Path(os.environ["WORLD_CALLS"]).read_text():
        return
    with Path(os.environ["WORLD_CALLS"]).open("a") as calls:
        calls.write("hung\n")
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    time.sleep(60)


@shared_task(name="world.import_rows", queue="bulk")
def import_rows(*, rows: int) -> None:
    """In chunks of one row; a retry continues at the cursor, which is the number of rows there."""
    while (done := _rows_there()) < rows:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO world_row (number) VALUES (%s)", [done + 1])
        report_progress(done=done + 1, total=rows)
        time.sleep(0.05)


def _rows_there() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM world_row")
        (rows,) = cursor.fetchone()
    return int(rows)
