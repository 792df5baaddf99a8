"""The database of a release before money was complete, in the middle of its work, comes along.

`landed.sql.gz` is `pg_dump` of revision 504c146, whose own verbs wrote it: a client with 1,000 USD,
three experts in a run of 40, 50 and 60 USD of which the first call had no answer and no message of
Stripe was read yet, and a batch with one answer approved, one to review and one being written.
"""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from marketplace.jobs.models import Job
from marketplace.kit import clock
from marketplace.kit.servers.binaries import client_tool
from marketplace.kit.servers.clients import client_environment
from marketplace.kit.servers.stack import database_url
from marketplace.organizations.models import Organization
from payouts.models import Earning, Payout, PayoutRun, Posting
from payouts.selectors.budgets import wallet
from payouts.selectors.invariants import check_ledger
from payouts.services import rounds
from tasks.models import Assignment
from tasks.services import reviewing
from tests.payouts import crashing, make
from tests.payouts.calm import CALM
from tests.payouts.make import NOON, usd

NAME = "test_landed"
DUMP = Path(__file__).with_name("landed.sql.gz")
LOAD = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "--single-transaction", "--file=-"]


@pytest.fixture
def landed(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """This process's connection leads to the old database, which is then of today's schema."""
    before = connection.settings_dict
    with django_db_blocker.unblock():
        on_server(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        on_server(f"CREATE DATABASE {NAME}")
        url = database_url(settings.DATA_DIR, NAME)
        subprocess.run(
            [str(client_tool("psql")), *LOAD],
            input=gzip.decompress(DUMP.read_bytes()),
            env=client_environment(url),
            check=True,
        )
        connection.close()
        connection.settings_dict = before | {"NAME": NAME}
        try:
            call_command("migrate", verbosity=0)
            yield
        finally:
            connection.close()
            connection.settings_dict = before
            ContentType.objects.clear_cache()  # ids of the other database
            on_server(f"DROP DATABASE {NAME} WITH (FORCE)")


def on_server(statement: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(statement)


def test_what_was_under_way_is_finished_to_the_cent(
    landed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CALM.items():
        monkeypatch.setattr(settings, name, value)
    client = Organization.objects.get(name__startswith="Lab")
    assert wallet(client, "USD") == usd(65_000)
    assert check_ledger(NOON).broken == ()

    with clock.at(NOON):
        crashing.recover()
    reviewing.approve(
        assignment=Assignment.objects.get(state="awaiting_review"),
        by=client.memberships.get(role="owner").user,
        at=NOON,
    )
    rounds.post_earnings(at=NOON)

    assert sorted(make.transfers()) == [4000, 5000, 6000]
    assert set(Payout.objects.values_list("state", flat=True)) == {"paid"}
    assert Posting.objects.filter(kind="transfer_made").count() == 3
    assert PayoutRun.objects.get().state == "done"
    assert sorted(Earning.objects.values_list("pay_minor", "state")) == [
        (1800, "pending"),
        (1800, "pending"),
        (4000, "paid"),
        (5000, "paid"),
        (6000, "paid"),
    ]
    assert not Job.objects.filter(state="dead").exists()
    assert check_ledger(NOON).broken == ()
