"""Secrets never reach a log line."""

from __future__ import annotations

import logging

import pytest

from marketplace.kit.logs import DropSecrets, json_formatter, plain_formatter


def _record(**extra: object) -> logging.LogRecord:
    record = logging.makeLogRecord({"msg": "Could not send payout", "levelname": "ERROR", **extra})
    DropSecrets().filter(record)
    return record


@pytest.mark.parametrize(
    "name", ["password", "stripe_secret", "api_key", "Authorization", "session_cookie", "iban"]
)
def test_a_field_that_names_a_secret_is_blanked(name: str) -> None:
    line = json_formatter().format(_record(**{name: "hunter2"}))

    assert "hunter2" not in line
    assert "(removed)" in line


def test_ids_stay_in_the_line() -> None:
    record = _record(payout_id="0193")

    assert "0193" in json_formatter().format(record)
    assert "0193" in plain_formatter().format(record)
