"""A state has one name: in the tables of moves, in the database, in the API's schema."""

from __future__ import annotations

import re

import yaml
from django.apps import apps

from payouts.models import (
    BankAttempt,
    BankBatch,
    Break,
    BudgetGrant,
    Chargeback,
    Clawback,
    Earning,
    Funding,
    Invoice,
    Payee,
    Payout,
    PayoutAttempt,
    PayoutRun,
    PayrollExport,
    Proposal,
    Refund,
)
from tasks.models.assignments import TRANSITIONS as ASSIGNMENT
from tasks.models.batches import BATCH_TRANSITIONS, TASK_TRANSITIONS
from tests.architecture.source import ROOT
from vetting.models.applications import TRANSITIONS as APPLICATION
from vetting.models.credentials import TRANSITIONS as CREDENTIAL

TABLES = {
    "batch": BATCH_TRANSITIONS,
    "task": TASK_TRANSITIONS,
    "assignment": ASSIGNMENT,
    "application": APPLICATION,
    "credential": CREDENTIAL,
    "earning": Earning.TRANSITIONS,
    "funding": Funding.TRANSITIONS,
    "payee": Payee.TRANSITIONS,
    "payout": Payout.TRANSITIONS,
    "attempt": PayoutAttempt.TRANSITIONS,
    "bank attempt": BankAttempt.TRANSITIONS,
    "run": PayoutRun.TRANSITIONS,
    "refund": Refund.TRANSITIONS,
    "chargeback": Chargeback.TRANSITIONS,
    "grant": BudgetGrant.TRANSITIONS,
    "invoice": Invoice.TRANSITIONS,
    "clawback": Clawback.TRANSITIONS,
    "payroll": PayrollExport.TRANSITIONS,
    "bank batch": BankBatch.TRANSITIONS,
    "break": Break.TRANSITIONS,
    "proposal": Proposal.TRANSITIONS,
}


def _checked_states() -> dict[str, set[str]]:
    """What the CHECK constraints of each model's state let through."""
    found = {}
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            if re.fullmatch(r"\w+_state_is_known", constraint.name):
                text = str(getattr(constraint, "condition", ""))
                found[model._meta.label] = set(re.findall(r"'([a-z_]+)'", text)) - {"state__in"}
    return found


def test_every_table_of_moves_leads_only_to_states_of_its_own() -> None:
    for name, table in TABLES.items():
        reached = set().union(*table.values())
        assert reached <= set(table), name


def test_every_state_is_lower_case_words() -> None:
    states = {state for table in TABLES.values() for state in table}

    assert [state for state in sorted(states) if not re.fullmatch(r"[a-z]+(_[a-z]+)*", state)] == []


def test_the_database_knows_exactly_the_states_of_the_tables() -> None:
    checked = _checked_states()

    assert checked["tasks.Batch"] == set(BATCH_TRANSITIONS)
    assert checked["tasks.Task"] == set(TASK_TRANSITIONS)
    assert checked["tasks.Assignment"] == set(ASSIGNMENT)
    assert checked["vetting.Application"] == set(APPLICATION)
    assert checked["vetting.Credential"] == set(CREDENTIAL)


def test_the_api_spells_the_states_as_the_database_does() -> None:
    text = (ROOT / "docs/api/openapi.yml").read_text(encoding="utf-8")
    schemas = yaml.safe_load(text)["components"]["schemas"]

    assert set(schemas["BatchState"]["enum"]) == set(BATCH_TRANSITIONS)
    assert set(schemas["TaskState"]["enum"]) == set(TASK_TRANSITIONS)
    assert set(schemas["AssignmentState"]["enum"]) == set(ASSIGNMENT)


def test_the_glossary_names_every_state() -> None:
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    known = set(re.findall(r"[a-z_]+", text))
    states = {state for name, table in TABLES.items() if name != "funding" for state in table}

    assert sorted(states - known) == []
