"""The books of a busy year, written in bulk, and how long `check_ledger` takes over them."""

from __future__ import annotations

import inspect
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, models

from benchmarks.money_world import NOON, experts, organization, reservation
from payouts.models import Earning, Entry, Payout, PayoutAttempt, PayoutItem, PayoutRun, Posting
from payouts.selectors.invariants import check_ledger
from payouts.services.accounts import account, expert_accounts

PER_ROUND = 100  # experts in a round of approvals
DEEP = 5  # rounds an expert is in before a payout
MOST_GROUPS = 20  # of experts
BATCHES = 10
OWN = {f"L{number}" for number in range(1, 13)}
ENTRIES_PER_ROUND = 102 + 200 + 400 // DEEP  # the round, its release, its share of a payout

_PLAN = """
CREATE TEMP TABLE round AS
SELECT n, uuidv7() AS id, uuidv7() AS release, n %% {batches} AS batch, n / {deep} AS part,
  (n / {deep}) %% {groups} AS people, %(start)s + n * interval '2 minutes' AS at
FROM generate_series(0, %(rounds)s - 1) n;

CREATE TEMP TABLE run AS SELECT part, uuidv7() AS id, max(at) AS at FROM round GROUP BY 1;

CREATE TEMP TABLE earned AS
SELECT r.id AS posting, r.release, r.batch, r.part, r.at, uuidv7() AS id, x.place, x.expert_id,
  700 + x.place %% 7 AS pay
FROM round r JOIN bench_expert x ON x.place / {per_round} = r.people;

CREATE TEMP TABLE paid AS
SELECT part, place, expert_id, max(at) AS at, sum(pay) AS amount, uuidv7() AS id,
  uuidv7() AS posting, uuidv7() AS attempt
FROM earned GROUP BY 1, 2, 3;

CREATE TEMP TABLE leg AS
SELECT posting, account, side, amount::bigint AS amount,
  row_number() OVER (ORDER BY at, step, posting) AS place
FROM (
  SELECT posting, b.reserved_id AS account, 'D' AS side, sum(pay + 105) AS amount, at, 0 AS step
    FROM earned JOIN bench_batch b ON b.place = batch GROUP BY 1, 2, at
  UNION ALL SELECT posting, %(revenue)s, 'C', sum(105), at, 0 FROM earned GROUP BY 1, at
  UNION ALL SELECT posting, pending, 'C', pay, at, 0 FROM earned JOIN bench_expert USING (place)
  UNION ALL SELECT release, pending, 'D', pay, at, 1 FROM earned JOIN bench_expert USING (place)
  UNION ALL SELECT release, available, 'C', pay, at, 1 FROM earned JOIN bench_expert USING (place)
  UNION ALL SELECT posting, available, 'D', amount, at, 2 FROM paid JOIN bench_expert USING (place)
  UNION ALL SELECT posting, moving, 'C', amount, at, 2 FROM paid JOIN bench_expert USING (place)
  UNION ALL SELECT attempt, moving, 'D', amount, at, 3 FROM paid JOIN bench_expert USING (place)
  UNION ALL SELECT attempt, %(clearing)s, 'C', amount, at, 3 FROM paid
) legs;
CREATE INDEX ON leg (posting);
ANALYZE leg; ANALYZE earned; ANALYZE paid;

CREATE TEMP TABLE post AS
SELECT id, 'earnings_posted' AS kind, 'round:' || id AS key, at FROM round
UNION ALL SELECT release, 'holds_released', 'released:' || id, at FROM round
UNION ALL SELECT posting, 'payout_reserved', 'payout:' || id, at FROM paid
UNION ALL SELECT attempt, 'transfer_made', 'transfer:' || attempt, at FROM paid;
"""
_HASH = """
encode(sha256(convert_to('["' || kind || '", "USD", [' || (
  SELECT string_agg('["' || account || '", "' || side || '", ' || amount || ']', ', '
    ORDER BY account::text COLLATE "C", side, amount) FROM leg WHERE leg.posting = post.id
) || ']]', 'UTF8')), 'hex')
"""
_BALANCES = """
UPDATE payouts_account a SET debits_minor = debits_minor + d, credits_minor = credits_minor + c,
  version = version + n
FROM (
  SELECT account, count(*) AS n, coalesce(sum(amount) FILTER (WHERE side = 'D'), 0) AS d,
    coalesce(sum(amount) FILTER (WHERE side = 'C'), 0) AS c
  FROM leg GROUP BY 1
) s WHERE s.account = a.id
"""


def write_books(entries: int) -> int:
    """Rounds, releases and payouts of a long time; how many entries there are now.

    Set by set and with the triggers off: a million entries in half a minute.
    """
    rounds = -(-entries // ENTRIES_PER_ROUND)
    groups = max(1, min(MOST_GROUPS, rounds // DEEP))
    values = {
        "rounds": rounds,
        "start": NOON - timedelta(days=30),
        "revenue": account("platform_revenue", currency="USD").id,
        "clearing": account("psp_clearing", currency="USD").id,
    }
    _name_accounts(groups * PER_ROUND)
    with connection.cursor() as cursor:
        plan = _PLAN.format(batches=BATCHES, deep=DEEP, groups=groups, per_round=PER_ROUND)
        cursor.execute(plan, values)
        cursor.execute("SET session_replication_role = replica")
        _write_postings()
        cursor.execute(_BALANCES)
        _write_payouts()
        cursor.execute("RESET session_replication_role")
        cursor.execute("VACUUM ANALYZE")
    return Entry.objects.count()


def _name_accounts(count: int) -> None:
    people = [row.id for row in experts(count)]
    kinds = ("expert_pending", "expert_available", "payout_in_transit")
    own = [expert_accounts(kind=kind, currency="USD", experts=people) for kind in kinds]
    client = organization()
    batches = [reservation(client) for _ in range(BATCHES)]
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE bench_expert (place int PRIMARY KEY, expert_id uuid UNIQUE,"
            " pending uuid, available uuid, moving uuid);"
            "CREATE TEMP TABLE bench_batch (place int, id uuid, escrow_id uuid, reserved_id uuid)"
        )
        cursor.executemany(
            "INSERT INTO bench_expert VALUES (%s, %s, %s, %s, %s)",
            [(n, x, *(rows[x].id for rows in own)) for n, x in enumerate(people)],
        )
        cursor.executemany(
            "INSERT INTO bench_batch VALUES (%s, %s, %s, %s)",
            [(n, row.id, row.escrow_id, row.reserved_id) for n, row in enumerate(batches)],
        )


def _write_postings() -> None:
    _insert(
        Posting,
        "post",
        id="id", kind="kind", currency="'USD'", key="key", request_hash=_HASH, effective_at="at",
        created_at="at", sealed_xid="'3'",
    )  # fmt: skip
    raised = "CASE side WHEN normal THEN amount ELSE -amount END"
    held = "(debits_minor - credits_minor) * CASE normal WHEN 'D' THEN 1 ELSE -1 END"
    past = "OVER (PARTITION BY account ORDER BY place)"
    _insert(
        Entry,
        "leg JOIN payouts_account a ON a.id = account ORDER BY place",
        id="nextval(pg_get_serial_sequence('payouts_entry', 'id'))", posting_id="posting",
        account_id="account", side="side", amount_minor="amount",
        account_version=f"version + row_number() {past}",
        balance_after_minor=f"{held} + sum({raised}) {past}",
    )  # fmt: skip


def _write_payouts() -> None:
    _insert(
        PayoutRun,
        "run",
        id="id", currency="'USD'", state="'done'", opened_at="at", started_at="at",
        finished_at="at",
    )  # fmt: skip
    _insert(
        Earning,
        "earned JOIN bench_batch b ON b.place = batch",
        id="earned.id", key="'work:' || earned.id", expert_id="expert_id", escrow_id="escrow_id",
        reservation_id="b.id", currency="'USD'", pay_minor="pay", fee_minor="105",
        cap_minor="pay + 105", pay_channel="'stripe'", earned_at="at", available_at="at",
        posting_id="posting", state="'paid'",
    )  # fmt: skip
    _insert(
        Payout,
        "paid JOIN payouts_payee y USING (expert_id) JOIN run USING (part)",
        id="paid.id", run_id="run.id", expert_id="expert_id", payee_id="y.id",
        destination="account_id", currency="'USD'", amount_minor="amount", state="'transferred'",
        transfer_id="'tr_' || paid.id", reserved_at="paid.at", transferred_at="paid.at",
    )  # fmt: skip
    _insert(
        PayoutItem,
        "earned JOIN paid USING (part, place)",
        id="uuidv7()", payout_id="paid.id", earning_id="earned.id", amount_minor="pay",
    )  # fmt: skip
    _insert(
        PayoutAttempt,
        "paid",
        id="attempt", payout_id="id", number="1", key="'payout:' || id || ':1'", request="'{}'",
        request_sha256="''", api_version="''", livemode="false", state="'succeeded'", sends="1",
        first_sent_at="at", last_sent_at="at", ended_at="at", provider_id="'tr_' || id",
    )  # fmt: skip


def _insert(model: type[models.Model], source: str, **columns: str) -> None:
    """INSERT … SELECT; every column that is not named has its model's default."""
    options = model._meta  # noqa: SLF001 Django documents it
    rest = {
        field.column: field.get_db_prep_save(field.get_default(), connection)
        for field in options.concrete_fields
        if field.column not in columns and not (field.generated or field.has_db_default())
    }
    names = ", ".join(connection.ops.quote_name(name) for name in [*columns, *rest])
    shown = ", ".join([*columns.values(), *(["%s"] * len(rest))])
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {options.db_table} ({names}) SELECT {shown} FROM {source}",
            list(rest.values()),
        )


@dataclass(frozen=True)
class Checked:
    """How long the whole took, the five slowest invariants, and what they found."""

    seconds: float
    slowest: list[tuple[str, float]]
    problems: list[str]


def check() -> Checked:
    """Run every invariant, as `manage.py check_ledger` does."""
    took: dict[str, float] = defaultdict(float)

    def clocked(execute: Callable[..., Any], *what: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*what)
        finally:
            took[_invariant()] += time.perf_counter() - began

    began = time.perf_counter()
    with connection.execute_wrapper(clocked):
        report = check_ledger(NOON + timedelta(days=400))
    seconds = time.perf_counter() - began
    slowest = sorted(took.items(), key=lambda row: -row[1])[:5]
    # The books are of a ledger alone: what compares them with Stripe or with work is not judged.
    own = [row for row in report.broken if row.invariant in OWN]
    return Checked(seconds, slowest, [f"{row.invariant}: {row.problem}" for row in own])


def _invariant() -> str:
    """The name of the check that runs the statement."""
    frames = [frame for frame in inspect.stack(0) if "/selectors/" in frame.filename]
    return next((f.function for f in frames if f.function != "problems_of"), "snapshot")
