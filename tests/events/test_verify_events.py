from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from marketplace.events.selectors import chain_head
from marketplace.events.services.recording import record
from marketplace.events.services.sealing import seal_events
from marketplace.kit.ids import uuid7
from tests.jobs.kinds import committing

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

pytestmark = committing


def verify(*arguments: str) -> str:
    out = StringIO()
    call_command("verify_events", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def seal_one() -> None:
    with transaction.atomic():
        record("task.completed", at=NOON, object_kind="task", object_id=uuid7())
    seal_events()


def test_a_whole_chain_is_confirmed_with_its_head() -> None:
    seal_one()

    assert verify() == f"1 events verified, head {chain_head().hash}\n"


def test_a_broken_chain_ends_in_an_error() -> None:
    seal_one()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE events_event SET kind = 'task.cancelled'")

    with pytest.raises(CommandError, match="The chain of events is broken"):
        verify()


def test_a_head_kept_elsewhere_is_compared(tmp_path: Path) -> None:
    seal_one()
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"event_head": {"position": 1, "hash": chain_head().hash}}))
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"position": 1, "hash": "f" * 64}))

    assert verify("--head", str(manifest)).startswith("1 events verified")
    with pytest.raises(CommandError, match="broken"):
        verify("--head", str(other))


def test_the_head_of_an_empty_instance_fits_every_chain(tmp_path: Path) -> None:
    seal_one()
    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"event_head": null}')

    assert verify("--head", str(manifest)).startswith("1 events verified")


@pytest.mark.parametrize("content", ["", "[]", '{"position": 1}', "no json"])
def test_a_file_without_a_head_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "head.json"
    file.write_text(content)

    with pytest.raises(CommandError, match="holds no head"):
        verify("--head", str(file))
