"""What a release must be: migrations in step, the schema as documented, production's own checks."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.architecture.source import ROOT

PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "marketplace.settings",
    "DEBUG": "0",
    "DEMO": "0",
    "SITE_URL": "https://guildhall.example",
    "DATABASE_URL": "postgresql://guildhall@127.0.0.1/guildhall",
    "REDIS_URL": "redis://127.0.0.1:6379",
    "SECRET_KEY": "x1Y-k2Z_q7" * 6,
    "FIELD_ENCRYPTION_KEYS": "k1:" + "A" * 43 + "=",
    "PSEUDONYM_KEY": "p9R-m4T_w2" * 6,
    "PAYMENTS_MODE": "sandbox",
    "EMAIL_HOST": "mail.guildhall.example",
}


def _check(**changed: str) -> subprocess.CompletedProcess[str]:
    """`check --deploy` in a production environment; an empty value unsets a variable."""
    ours = {"EMBEDDED": "", "DJANGO_ALLOW_ASYNC_UNSAFE": "", "PYTHONWARNINGS": "ignore"}
    environ = {**os.environ, **ours, **PRODUCTION, **changed}
    environ = {name: value for name, value in environ.items() if value}
    line = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(line, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    said = StringIO()

    call_command("makemigrations", dry_run=True, stdout=said)

    assert said.getvalue() == "No changes detected\n"


def test_the_documented_schema_is_the_served_one(tmp_path: Path) -> None:
    fresh = tmp_path / "openapi.yml"
    call_command("spectacular", file=str(fresh), validate=True, fail_on_warn=True)

    kept = (ROOT / "docs/api/openapi.yml").read_text(encoding="utf-8")
    assert fresh.read_text(encoding="utf-8") == kept, "run `make docs`"


def test_production_passes_djangos_deployment_checks() -> None:
    done = _check()

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"DATABASE_URL": ""}, "Set DATABASE_URL to your PostgreSQL"),
        ({"REDIS_URL": ""}, "Set REDIS_URL to your Redis or Valkey"),
        ({"SECRET_KEY": ""}, "Set SECRET_KEY"),
        ({"FIELD_ENCRYPTION_KEYS": ""}, "Set FIELD_ENCRYPTION_KEYS"),
        ({"PSEUDONYM_KEY": ""}, "Set PSEUDONYM_KEY"),
        ({"PAYMENTS_MODE": ""}, "Set STRIPE_SECRET_KEY"),
        ({"STRIPE_SECRET_KEY": "sk_live_1"}, "refuses a live Stripe key"),
        ({"EMAIL_HOST": ""}, "Set EMAIL_HOST"),
        ({"DEMO": "1"}, "DEMO=1 waives the second factor"),
    ],
)
def test_production_refuses_to_start_with_a_sentence(
    changed: dict[str, str], sentence: str
) -> None:
    done = _check(**changed)

    assert done.returncode != 0
    assert sentence in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
