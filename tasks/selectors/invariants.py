"""What must always hold between work and money; run by `manage.py check_ledger`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from payouts.selectors.invariants import invariant, problems_of

_PAID = "('approved', 'partially_approved', 'screened_out', 'cancelled_paid')"

_UNPAID = f"""
SELECT 'assignment ' || a.id || ' is ' || a.state || ' for ' || a.pay_minor || ' and its earning '
       || coalesce('pays ' || g.pay_minor || ' to ' || g.expert_id, 'is missing')
  FROM tasks_assignment a
  JOIN projects_engagement e ON e.id = a.engagement_id
  LEFT JOIN payouts_earning g ON g.key = 'assignment:' || a.id
 WHERE a.state IN {_PAID} AND a.pay_minor > 0 AND e.pay_channel <> 'none'
   AND (g.id IS NULL OR g.pay_minor <> a.pay_minor OR g.expert_id <> a.expert_id)
"""  # noqa: S608 constants only

_UNEARNED = f"""
SELECT 'earning ' || g.key || ' pays ' || g.pay_minor || ' for work that was not approved'
  FROM payouts_earning g
  LEFT JOIN tasks_assignment a ON g.key = 'assignment:' || a.id AND a.state IN {_PAID}
 WHERE starts_with(g.key, 'assignment:') AND a.id IS NULL
"""  # noqa: S608 constants only

_UNCOVERED = """
WITH held AS (
  SELECT b.id, r.id AS reservation, b.price_minor + b.fee_minor AS gross, b.state,
         acc.credits_minor - acc.debits_minor AS reserved
    FROM tasks_batch b
    JOIN payouts_reservation r ON r.id = b.reservation_id AND r.state <> 'released'
    JOIN payouts_account acc ON acc.id = r.reserved_id
), due AS (
  SELECT h.*,
         h.gross * (
           (SELECT count(*) FROM tasks_assignment a WHERE a.batch_id = h.id
               AND (a.state IN ('active', 'awaiting_review', 'changes_requested', 'disputed')
                    OR (a.state = 'rejected' AND a.dispute_until > %(at)s)))
           + (SELECT coalesce(sum(t.seats - t.taken), 0) FROM tasks_task t
               WHERE t.batch_id = h.id AND h.state IN ('open', 'paused')
                 AND t.state IN ('pending', 'available', 'in_review'))) AS keep,
         (SELECT coalesce(sum(e.pay_minor + e.fee_minor), 0) FROM payouts_earning e
           WHERE e.reservation_id = h.reservation AND e.posting_id IS NULL
             AND e.state = 'pending') AS unposted
    FROM held h
)
SELECT 'batch ' || id || ' holds ' || reserved || ', owes ' || unposted || ' and must keep ' || keep
  FROM due WHERE reserved - unposted < keep
"""

_PRICED = """
SELECT 'earning ' || e.key || ': pay ' || e.pay_minor || ', fee ' || e.fee_minor || ', cap '
       || e.cap_minor || ', rate ' || b.fee_basis_points || ' in 10,000'
  FROM payouts_earning e JOIN tasks_batch b ON b.reservation_id = e.reservation_id
 WHERE starts_with(e.key, 'assignment:')
   AND (e.fee_minor <> (e.pay_minor * b.fee_basis_points + 5000) / 10000
        OR e.pay_minor + e.fee_minor > e.cap_minor)
"""

_SEATS = """
SELECT 'task ' || t.id || ' counts ' || t.taken || ' seats taken, and ' || n || ' are'
  FROM tasks_task t
  CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM tasks_assignment a
     WHERE a.task_id = t.id AND a.state NOT IN ('returned', 'expired')
       AND NOT EXISTS (SELECT 1 FROM payouts_posting p WHERE p.key = 'draw:' || a.id)
  ) counted
 WHERE t.taken <> n
"""

_OPEN = """
SELECT 'task ' || t.id || ' is ' || t.state || ' in a batch that is ' || b.state || ', ' || t.taken
       || ' of ' || t.seats || ' seats taken, and is_open is ' || t.is_open
  FROM tasks_task t JOIN tasks_batch b ON b.id = t.batch_id
 WHERE t.is_open <> (b.state = 'open' AND t.state = 'available' AND t.taken < t.seats)
"""

_STALE = """
SELECT 'assignment ' || id || ' has a lease that ended at ' || lease_until
  FROM tasks_assignment
 WHERE state = 'active' AND lease_until + lease_seconds * interval '1 second' < %(at)s
"""


@invariant("L17")
def approved_work_is_one_earning(at: datetime) -> Iterable[str]:
    """Paid work and earnings match one to one, in person and amount."""
    del at
    return [*problems_of(_UNPAID), *problems_of(_UNEARNED)]


@invariant("L9")
def reservations_cover_what_may_be_due(at: datetime) -> Iterable[str]:
    """What a batch holds covers its unposted earnings and everything that may still be due."""
    return problems_of(_UNCOVERED, at=at)


@invariant("L9")
def fees_are_the_rule(at: datetime) -> Iterable[str]:
    """The fee of paid work is its batch's rate, half up; both together stay below the cap."""
    del at
    return problems_of(_PRICED)


@invariant("W1")
def taken_seats_are_held_seats(at: datetime) -> Iterable[str]:
    """`taken` counts the assignments that hold a seat; a refilled seat left its first holder."""
    del at
    return problems_of(_SEATS)


@invariant("W2")
def open_tasks_can_be_claimed(at: datetime) -> Iterable[str]:
    """`is_open` says exactly that the batch is open, the task available and a seat free."""
    del at
    return problems_of(_OPEN)


@invariant("W3")
def no_lease_outlives_itself_twice(at: datetime) -> Iterable[str]:
    """A lease that ended as long ago as it lasted should have been given back."""
    return problems_of(_STALE, at=at)
