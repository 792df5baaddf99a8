"""PostgreSQL's own types and rules that Django has no word for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pgtrigger
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression

if TYPE_CHECKING:
    WholeNumberField = models.Field[int, int]
else:
    WholeNumberField = models.Field  # Django's is no generic at run time


class TransactionNow(models.Func):
    """The start of the transaction, the same in all its statements (Django's `Now` is not)."""

    function = "transaction_timestamp"
    output_field = models.DateTimeField()


class TransactionId(models.Func):
    """The id of the running transaction (`xid8`), the same in all its savepoints."""

    function = "pg_current_xact_id"

    def __init__(self) -> None:
        super().__init__(output_field=XidField())


class XidField(WholeNumberField):
    """A transaction id: 64 bits, never reused, but begun anew by a dump and restore."""

    description = "transaction id"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:  # noqa: ARG002 Django's signature
        return "xid8"

    def from_db_value(
        self,
        value: str | int | None,
        _expression: Expression,
        _connection: BaseDatabaseWrapper,
    ) -> int | None:
        return None if value is None else int(value)

    def get_prep_value(self, value: object) -> object:
        """Text: PostgreSQL compares no `xid8` with a number, but reads one from text."""
        prepared = super().get_prep_value(value)
        return str(prepared) if isinstance(prepared, int) else prepared


def append_only(rows: str) -> list[pgtrigger.Trigger]:
    """Triggers for `Meta.triggers` that refuse every UPDATE, DELETE and TRUNCATE of these rows.

    `rows` is the plural a person reads in the message. ERRCODE 23001 becomes Django's
    `IntegrityError`. Test databases may truncate: that is how tests start afresh.
    """
    return [
        pgtrigger.Trigger(
            name="append_only",
            level=pgtrigger.Row,
            when=pgtrigger.Before,
            operation=pgtrigger.Update | pgtrigger.Delete,
            func=_refusal(rows),
        ),
        pgtrigger.Trigger(
            name="never_emptied",
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Truncate,
            func=r"IF current_database() LIKE 'test\_%' THEN RETURN NULL; END IF; "
            + _refusal(rows),
        ),
    ]


def _refusal(rows: str) -> str:
    return f"RAISE EXCEPTION '{rows} are append-only' USING ERRCODE = '23001';"
