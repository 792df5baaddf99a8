"""The money's own invariants, each a query for what violates it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pgtrigger
from django.db import connection

from marketplace.events.selectors import triggers_can_be_ignored
from payouts.models import MONEY_RESERVED
from payouts.selectors.invariants import invariant, problems_of

LATEST_ROUND = timedelta(minutes=10)
LATEST_ANSWER = timedelta(minutes=15)


@invariant("L1")
def postings_balance(_at: datetime) -> list[str]:
    """Every posting has two legs or more, in balance, of one currency."""
    return problems_of("""
      SELECT 'posting ' || p.key || ': debits ' || coalesce(sum(e.amount_minor) FILTER
          (WHERE e.side = 'D'), 0) || ', credits ' || coalesce(sum(e.amount_minor) FILTER
          (WHERE e.side = 'C'), 0) || ', legs ' || count(e.id)
      FROM payouts_posting p LEFT JOIN payouts_entry e ON e.posting_id = p.id
        LEFT JOIN payouts_account a ON a.id = e.account_id
      GROUP BY p.id
      HAVING count(e.id) < 2 OR count(*) FILTER (WHERE a.currency <> p.currency) > 0
        OR sum(CASE e.side WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END) <> 0
    """)


@invariant("L1")
def triggers_stand(_at: datetime) -> Iterator[str]:
    """Every declared trigger of the money is present and enabled, and none can be passed by."""
    if triggers_can_be_ignored():
        yield "triggers can be switched off by a session: run migrate"
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')")
        present = {name for (name,) in cursor.fetchall()}
    for model, trigger in pgtrigger.registered():
        name = trigger.get_uri(model)
        if name.startswith("payouts.") and trigger.get_pgid(model) not in present:
            yield f"trigger {name} is missing or disabled"


@invariant("L2")
def totals_are_the_sum_of_entries(_at: datetime) -> list[str]:
    """Cached debits, credits and version are those of the entries."""
    return problems_of("""
      SELECT 'account ' || a.kind || ' ' || a.id || ': cached ' || a.debits_minor || '/' ||
        a.credits_minor || '/' || a.version || ', entries ' || coalesce(e.d, 0) || '/' ||
        coalesce(e.c, 0) || '/' || coalesce(e.n, 0)
      FROM payouts_account a LEFT JOIN (
        SELECT account_id, count(*) AS n,
          coalesce(sum(amount_minor) FILTER (WHERE side = 'D'), 0) AS d,
          coalesce(sum(amount_minor) FILTER (WHERE side = 'C'), 0) AS c
        FROM payouts_entry GROUP BY account_id
      ) e ON e.account_id = a.id
      WHERE (a.debits_minor, a.credits_minor, a.version)
        IS DISTINCT FROM (coalesce(e.d, 0), coalesce(e.c, 0), coalesce(e.n, 0))
    """)


@invariant("L2")
def balances_form_a_chain(_at: datetime) -> list[str]:
    """Versions run without a gap and each balance follows from the one before."""
    return problems_of("""
      SELECT 'entry ' || id || ' of account ' || account_id || ': version ' || account_version ||
        ', balance ' || balance_after_minor || ', should be ' || place || ', ' || running
      FROM (
        SELECT e.id, e.account_id, e.account_version, e.balance_after_minor,
          row_number() OVER chain AS place,
          sum(CASE e.side WHEN a.normal THEN e.amount_minor ELSE -e.amount_minor END)
            OVER chain AS running
        FROM payouts_entry e JOIN payouts_account a ON a.id = e.account_id
        WINDOW chain AS (PARTITION BY e.account_id ORDER BY e.account_version)
      ) walked
      WHERE account_version <> place OR balance_after_minor <> running
    """)


@invariant("L3")
def trial_balance_is_zero(_at: datetime) -> list[str]:
    """Over all accounts of a currency debits equal credits."""
    return problems_of("""
      SELECT currency || ': debits ' || sum(debits_minor) || ', credits ' || sum(credits_minor)
      FROM payouts_account GROUP BY currency HAVING sum(debits_minor) <> sum(credits_minor)
    """)


@invariant("L4")
def guarded_accounts_never_were_negative(_at: datetime) -> list[str]:
    """No guarded account is below zero at any version."""
    return problems_of("""
      SELECT 'account ' || a.kind || ' ' || a.id || ' fell to ' || min(e.balance_after_minor)
      FROM payouts_entry e JOIN payouts_account a ON a.id = e.account_id
      WHERE e.balance_after_minor < 0 AND NOT a.may_go_negative GROUP BY a.id
    """)


@invariant("L5")
def shown_balances_are_the_earnings(_at: datetime) -> list[str]:
    """Invariant U for what is pending; what is available is payable."""
    return problems_of("""
      WITH owed AS (
        SELECT expert_id, currency,
          sum(payable_minor) FILTER (WHERE state = 'pending') AS pending,
          sum(payable_minor) FILTER (WHERE state = 'available') AS available,
          sum(pay_minor) FILTER (WHERE state = 'pending' AND posting_id IS NULL) AS unposted
        FROM payouts_earning GROUP BY 1, 2
      ), held AS (
        SELECT expert_id, currency,
          sum(credits_minor - debits_minor) FILTER (WHERE kind = 'expert_pending') AS pending,
          sum(credits_minor - debits_minor) FILTER (WHERE kind = 'expert_available') AS available
        FROM payouts_account WHERE expert_id IS NOT NULL GROUP BY 1, 2
      )
      SELECT 'expert ' || expert_id || ' ' || currency || ': ledger pending ' ||
        coalesce(h.pending, 0) || ' + unposted ' || coalesce(o.unposted, 0) || ', available ' ||
        coalesce(h.available, 0) || '; earnings pending ' || coalesce(o.pending, 0) ||
        ', available ' || coalesce(o.available, 0)
      FROM owed o FULL JOIN held h USING (expert_id, currency)
      WHERE coalesce(h.pending, 0) + coalesce(o.unposted, 0) <> coalesce(o.pending, 0)
        OR coalesce(h.available, 0) <> coalesce(o.available, 0)
    """)


@invariant("L5")
def rounds_are_their_earnings(_at: datetime) -> list[str]:
    """Each round credits every expert, and debits every reservation, the sum of its earnings.

    A reservation that fell short is excused by its Break `earning_unfunded`.
    """
    return problems_of("""
      WITH legs AS (
        SELECT e.posting_id, coalesce(a.expert_id, r.id) AS owner, sum(e.amount_minor) AS booked
        FROM payouts_entry e JOIN payouts_posting p ON p.id = e.posting_id
          JOIN payouts_account a ON a.id = e.account_id
          LEFT JOIN payouts_reservation r ON r.reserved_id = a.id
        WHERE p.kind = 'earnings_posted' AND a.kind IN ('expert_pending', 'reserved')
        GROUP BY 1, 2
      ), earned AS (
        SELECT posting_id, expert_id AS owner, sum(pay_minor) AS amount
        FROM payouts_earning JOIN payouts_posting p ON p.id = posting_id
        WHERE p.kind = 'earnings_posted' GROUP BY 1, 2
        UNION ALL
        SELECT posting_id, reservation_id, sum(pay_minor + fee_minor)
        FROM payouts_earning JOIN payouts_posting p ON p.id = posting_id
        WHERE p.kind = 'earnings_posted' GROUP BY 1, 2
      )
      SELECT 'round ' || posting_id || ', ' || owner || ': booked ' || coalesce(booked, 0) ||
        ', earned ' || coalesce(amount, 0)
      FROM legs FULL JOIN earned USING (posting_id, owner)
      WHERE coalesce(booked, 0) <> coalesce(amount, 0) AND NOT EXISTS (
        SELECT 1 FROM payouts_posting p
        WHERE p.id = posting_id AND owner || ':' || p.key IN
          (SELECT ref FROM payouts_break WHERE kind = 'earning_unfunded'))
    """)


@invariant("L5")
def rounds_keep_up(at: datetime) -> list[str]:
    """No earning waits for its round longer than ten minutes."""
    return problems_of(
        """
      SELECT 'earning ' || key || ' is unposted since ' || earned_at FROM payouts_earning
      WHERE posting_id IS NULL AND state = 'pending' AND earned_at < %(latest)s
    """,
        latest=at - LATEST_ROUND,
    )


@invariant("L6")
def money_in_transit_is_in_open_payouts(_at: datetime) -> list[str]:
    """What is on its way is the sum of the payouts whose end is still open."""
    return problems_of(
        """
      WITH moving AS (
        SELECT expert_id, currency, sum(amount_minor) AS amount FROM payouts_payout
        WHERE state = ANY(%(states)s) GROUP BY 1, 2
      ), held AS (
        SELECT expert_id, currency, credits_minor - debits_minor AS amount
        FROM payouts_account WHERE kind = 'payout_in_transit'
      )
      SELECT 'expert ' || expert_id || ' ' || currency || ': ledger ' || coalesce(h.amount, 0) ||
        ', payouts ' || coalesce(m.amount, 0)
      FROM moving m FULL JOIN held h USING (expert_id, currency)
      WHERE coalesce(m.amount, 0) <> coalesce(h.amount, 0)
    """,
        states=list(MONEY_RESERVED),
    )


@invariant("L7")
def transfers_are_booked_once(_at: datetime) -> list[str]:
    """A succeeded attempt has one posting of its amount, and there is no other such posting."""
    return problems_of("""
      SELECT 'transfer ' || coalesce(t.key, p.key) || ': sent ' || coalesce(t.amount_minor, 0) ||
        ', booked ' || coalesce(p.amount, 0)
      FROM (
        SELECT 'transfer:' || a.id AS posting_key, a.key,
          coalesce(o.sent_minor, o.amount_minor) AS amount_minor
        FROM payouts_payoutattempt a JOIN payouts_payout o ON o.id = a.payout_id
        WHERE a.state = 'succeeded' AND a.provider_id = o.transfer_id
      ) t FULL JOIN (
        SELECT p.key, sum(e.amount_minor) AS amount
        FROM payouts_posting p JOIN payouts_entry e ON e.posting_id = p.id AND e.side = 'C'
        WHERE p.kind = 'transfer_made' GROUP BY p.id
      ) p ON p.key = t.posting_key
      WHERE t.amount_minor IS DISTINCT FROM p.amount
    """)


@invariant("L7")
def sandbox_transfers_are_ours(_at: datetime) -> list[str]:
    """Every transfer of the sandbox is that of one attempt, sent or not yet known to be sent."""
    return problems_of("""
      SELECT 'sandbox transfer ' || t.object_id || ' of ' || (t.body->>'amount') ||
        ' has no attempt'
      FROM payouts_sandboxobject t WHERE t.type = 'transfer' AND NOT EXISTS (
        SELECT 1 FROM payouts_payoutattempt a JOIN payouts_payout o ON o.id = a.payout_id
        WHERE t.group = 'payout:' || o.id
          AND coalesce(o.sent_minor, o.amount_minor) = (t.body->>'amount')::bigint
          AND o.destination = t.body->>'destination'
          AND (a.provider_id = t.object_id OR a.state IN ('sending', 'unknown'))
      ) AND NOT EXISTS (
        SELECT 1 FROM payouts_break k WHERE k.state = 'resolved' AND k.approved_by_id IS NOT NULL
          AND k.ref IN (t.object_id, t.body->>'balance_transaction')
      )
    """)


@invariant("L8")
def payouts_are_the_sum_of_their_items(_at: datetime) -> list[str]:
    """Live items sum up to their payout; an earning is in one live payout at most."""
    return problems_of("""
      SELECT 'payout ' || o.id || ': amount ' || o.amount_minor || ', items ' ||
        coalesce(sum(i.amount_minor) FILTER (WHERE i.is_live), 0)
      FROM payouts_payout o LEFT JOIN payouts_payoutitem i ON i.payout_id = o.id
      GROUP BY o.id
      HAVING coalesce(sum(i.amount_minor) FILTER (WHERE i.is_live), 0)
        <> CASE o.state WHEN 'cancelled' THEN 0 ELSE o.amount_minor END
      UNION ALL
      SELECT 'earning ' || earning_id || ' is in ' || count(*) || ' live payouts'
      FROM payouts_payoutitem WHERE is_live GROUP BY earning_id HAVING count(*) > 1
    """)


@invariant("L9")
def reservations_cover_what_they_owe(_at: datetime) -> list[str]:
    """What a batch holds covers its unposted earnings."""
    return problems_of("""
      SELECT 'reservation ' || r.id || ': holds ' || (a.credits_minor - a.debits_minor) ||
        ', unposted ' || sum(e.pay_minor + e.fee_minor)
      FROM payouts_reservation r JOIN payouts_account a ON a.id = r.reserved_id
        JOIN payouts_earning e ON e.reservation_id = r.id
      WHERE e.posting_id IS NULL AND e.state = 'pending'
      GROUP BY r.id, a.id
      HAVING a.credits_minor - a.debits_minor < sum(e.pay_minor + e.fee_minor)
    """)


@invariant("L10")
def budgets_add_up(_at: datetime) -> list[str]:
    """Per project: allocated = escrow + reserved + pool + posted work - what was taken back."""
    return problems_of("""
      WITH given AS (
        SELECT a.id AS escrow_id, a.credits_minor - a.debits_minor AS escrow,
          coalesce(sum(CASE e.side WHEN 'C' THEN e.amount_minor ELSE -e.amount_minor END)
            FILTER (WHERE p.kind IN ('budget_allocated', 'budget_returned', 'chargeback_lost')),
            0) AS allocated
        FROM payouts_account a LEFT JOIN payouts_entry e ON e.account_id = a.id
          LEFT JOIN payouts_posting p ON p.id = e.posting_id
        WHERE a.kind = 'escrow' GROUP BY a.id
      ), held AS (
        SELECT r.escrow_id, sum(a.credits_minor - a.debits_minor) AS amount
        FROM payouts_reservation r JOIN payouts_account a ON a.id IN (r.reserved_id, r.overrun_id)
        GROUP BY 1
      ), spent AS (
        SELECT escrow_id, sum(pay_minor + fee_minor) AS amount FROM payouts_earning
        WHERE posting_id IS NOT NULL GROUP BY 1
      ), taken_back AS (
        SELECT coalesce(r.escrow_id, a.id) AS escrow_id, sum(e.amount_minor) AS amount
        FROM payouts_entry e JOIN payouts_posting p ON p.id = e.posting_id AND e.side = 'C'
          JOIN payouts_account a ON a.id = e.account_id AND a.kind IN ('escrow', 'reserved')
          LEFT JOIN payouts_reservation r ON r.reserved_id = a.id
        WHERE p.kind IN ('clawed_back', 'earning_voided') GROUP BY 1
      ), paid_by_us AS (
        SELECT n.escrow_id, sum(e.amount_minor) AS amount
        FROM payouts_entry e JOIN payouts_account a ON a.id = e.account_id
          JOIN payouts_posting p ON p.id = e.posting_id
          CROSS JOIN LATERAL (SELECT escrow_id FROM payouts_earning
            WHERE posting_id = p.id ORDER BY id LIMIT 1) n
        WHERE p.kind = 'earnings_posted' AND a.kind = 'platform_expense' GROUP BY 1
      )
      SELECT 'escrow ' || g.escrow_id || ': allocated ' || g.allocated || ', escrow ' || g.escrow ||
        ', held ' || coalesce(h.amount, 0) || ', spent ' || coalesce(s.amount, 0) ||
        ', taken back ' || coalesce(t.amount, 0)
      FROM given g LEFT JOIN held h USING (escrow_id) LEFT JOIN spent s USING (escrow_id)
        LEFT JOIN taken_back t USING (escrow_id) LEFT JOIN paid_by_us u USING (escrow_id)
      WHERE g.allocated + coalesce(u.amount, 0)
        <> g.escrow + coalesce(h.amount, 0) + coalesce(s.amount, 0) - coalesce(t.amount, 0)
    """)


@invariant("L11")
def reversals_mirror_their_posting(_at: datetime) -> list[str]:
    """A reversal has the amounts of what it reverses, on the other sides."""
    return problems_of("""
      SELECT 'reversal ' || p.key || ' does not mirror what it reverses' FROM payouts_posting p
      WHERE p.reverses_id IS NOT NULL AND EXISTS (
        (SELECT account_id, side, amount_minor FROM payouts_entry WHERE posting_id = p.id
         EXCEPT ALL
         SELECT account_id, CASE side WHEN 'D' THEN 'C' ELSE 'D' END, amount_minor
         FROM payouts_entry WHERE posting_id = p.reverses_id)
        UNION ALL
        (SELECT account_id, CASE side WHEN 'D' THEN 'C' ELSE 'D' END, amount_minor
         FROM payouts_entry WHERE posting_id = p.reverses_id
         EXCEPT ALL
         SELECT account_id, side, amount_minor FROM payouts_entry WHERE posting_id = p.id)
      )
    """)


@invariant("L12")
def keys_stand_for_their_legs(_at: datetime) -> list[str]:
    """The hash kept with a key is that of the posting's kind, currency and legs."""
    return problems_of("""
      SELECT 'posting ' || p.key || ' has other legs than its key stands for'
      FROM payouts_posting p JOIN payouts_entry e ON e.posting_id = p.id GROUP BY p.id
      HAVING p.request_hash <> encode(sha256(convert_to('["' || p.kind || '", "' || p.currency ||
        '", [' || string_agg('["' || e.account_id || '", "' || e.side || '", ' || e.amount_minor ||
          ']', ', ' ORDER BY e.account_id::text COLLATE "C", e.side, e.amount_minor) || ']]',
        'UTF8')), 'hex')
    """)


@invariant("L12")
def keys_are_used_once(_at: datetime) -> list[str]:
    """No key stands for two postings."""
    return problems_of("""
      SELECT 'key ' || key || ' stands for ' || count(*) || ' postings'
      FROM payouts_posting GROUP BY key HAVING count(*) > 1
    """)


@invariant("L15")
def messages_are_answered(at: datetime) -> list[str]:
    """No message of Stripe waits longer than fifteen minutes."""
    return problems_of(
        """
      SELECT 'stripe event ' || event_id || ' (' || kind || ') waits since ' || received_at
      FROM payouts_stripeevent WHERE state = 'received' AND received_at < %(latest)s
    """,
        latest=at - LATEST_ANSWER,
    )
