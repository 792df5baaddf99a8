"""What the database itself refuses in the ledger (MONEY 2).

ERRCODE 23514 (a rule) and 23001 (history) both reach Django as IntegrityError; another code would
be taken for a lost connection and retried.
"""

from __future__ import annotations

import pgtrigger

from payouts.models.chart import CHART

ENTRY_APPLIES = pgtrigger.Trigger(
    name="entry_applies",
    level=pgtrigger.Row,
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    declare=[("p", "payouts_posting"), ("a", "payouts_account")],
    # Savepoints share both the transaction id and its start; ids begin anew after a restore, so
    # the start is compared too.
    func="""
    SELECT * INTO p FROM payouts_posting WHERE id = NEW.posting_id;
    IF p.id IS NULL OR p.sealed_xid <> pg_current_xact_id() OR p.created_at <> now() THEN
      RAISE EXCEPTION USING ERRCODE = '23001', MESSAGE =
        'posting ' || NEW.posting_id || ' is sealed';
    END IF;
    UPDATE payouts_account SET
      debits_minor = debits_minor + CASE WHEN NEW.side = 'D' THEN NEW.amount_minor ELSE 0 END,
      credits_minor = credits_minor + CASE WHEN NEW.side = 'C' THEN NEW.amount_minor ELSE 0 END,
      version = version + 1
    WHERE id = NEW.account_id RETURNING * INTO a;
    IF a.currency <> p.currency THEN
      RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE =
        'currencies differ: ' || a.currency || ' in a posting of ' || p.currency;
    END IF;
    NEW.account_version := a.version;
    NEW.balance_after_minor := CASE WHEN a.normal = 'D' THEN a.debits_minor - a.credits_minor
      ELSE a.credits_minor - a.debits_minor END;
    RETURN NEW;
    """,
)

ENTRIES_BALANCE = pgtrigger.Trigger(
    name="entries_balance",
    level=pgtrigger.Statement,
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    referencing=pgtrigger.Referencing(new="added"),  # type: ignore[no-untyped-call]  # untyped there
    func="""
    IF EXISTS (
      SELECT 1 FROM added GROUP BY posting_id
      HAVING count(*) < 2
        OR sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END) <> 0
    ) THEN
      RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'the entries of a posting do not balance';
    END IF;
    RETURN NULL;
    """,
)

POSTING_HAS_ENTRIES = pgtrigger.Trigger(
    name="posting_has_entries",
    level=pgtrigger.Row,
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    timing=pgtrigger.Deferred,
    func="""
    IF NOT EXISTS (SELECT 1 FROM payouts_entry WHERE posting_id = NEW.id) THEN
      RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'posting ' || NEW.id || ' has no entries';
    END IF;
    RETURN NULL;
    """,
)

EARNINGS_MATCH = pgtrigger.Trigger(
    name="earnings_match",
    level=pgtrigger.Row,
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    timing=pgtrigger.Deferred,
    condition=pgtrigger.Q(new__kind__in=["earnings_posted", "earning_posted_now"]),
    declare=[("earned", "bigint"), ("debited", "bigint")],
    func="""
    SELECT coalesce(sum(pay_minor + fee_minor), 0) INTO earned
      FROM payouts_earning WHERE posting_id = NEW.id;
    SELECT coalesce(sum(amount_minor), 0) INTO debited
      FROM payouts_entry WHERE posting_id = NEW.id AND side = 'D';
    IF earned <> debited THEN
      RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE =
        'posting ' || NEW.id || ' debits ' || debited || ' for earnings of ' || earned;
    END IF;
    RETURN NULL;
    """,
)

ACCOUNT_GUARD = pgtrigger.Trigger(
    name="account_guard",
    level=pgtrigger.Row,
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    # Depth 2 is the update made by entry_applies.
    func="""
    IF (NEW.id, NEW.kind, NEW.organization_id, NEW.expert_id, NEW.subject_id, NEW.currency,
        NEW.normal, NEW.may_go_negative)
      IS DISTINCT FROM
       (OLD.id, OLD.kind, OLD.organization_id, OLD.expert_id, OLD.subject_id, OLD.currency,
        OLD.normal, OLD.may_go_negative) THEN
      RAISE EXCEPTION USING ERRCODE = '23001', MESSAGE = 'an account keeps its identity';
    END IF;
    IF pg_trigger_depth() < 2 AND (NEW.debits_minor, NEW.credits_minor, NEW.version)
      IS DISTINCT FROM (OLD.debits_minor, OLD.credits_minor, OLD.version) THEN
      RAISE EXCEPTION USING ERRCODE = '23001', MESSAGE = 'balances change by entries only';
    END IF;
    RETURN NEW;
    """,
)

ACCOUNT_STARTS_EMPTY = pgtrigger.Trigger(
    name="account_starts_empty",
    level=pgtrigger.Row,
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    func="""
    IF (NEW.debits_minor, NEW.credits_minor, NEW.version) IS DISTINCT FROM (0, 0, 0) THEN
      RAISE EXCEPTION USING ERRCODE = '23001', MESSAGE = 'an account starts empty';
    END IF;
    RETURN NEW;
    """,
)

_CHART = ", ".join(
    f"('{kind}', '{terms.normal}', {terms.may_go_negative}, '{terms.owner}')"
    for kind, terms in CHART.items()
)
ACCOUNT_FITS_THE_CHART = pgtrigger.Trigger(
    name="account_fits_the_chart",
    level=pgtrigger.Row,
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    # Not a CHECK: PostgreSQL would read it anew for every entry, two thirds of a posting's time,
    # and account_guard lets none of these columns change.
    func=f"""
    IF NOT EXISTS (
      SELECT 1 FROM (VALUES {_CHART}) AS chart (kind, normal, may_go_negative, owner)
      WHERE (chart.kind, chart.normal, chart.may_go_negative, chart.owner) = (
        NEW.kind, NEW.normal, NEW.may_go_negative,
        CASE (NEW.organization_id IS NOT NULL, NEW.expert_id IS NOT NULL,
              NEW.subject_id IS NOT NULL)
          WHEN (false, false, false) THEN 'platform'
          WHEN (true, false, false) THEN 'organization'
          WHEN (true, false, true) THEN 'subject'
          WHEN (false, true, false) THEN 'expert'
        END
      )
    ) THEN
      RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'account_owner_fits_kind',
        MESSAGE = 'account_owner_fits_kind: ' || NEW.kind || ' is not such an account';
    END IF;
    RETURN NEW;
    """,  # noqa: S608 constants only
)

EARNING_KEEPS_ITS_TERMS = pgtrigger.Trigger(
    name="earning_keeps_its_terms",
    level=pgtrigger.Row,
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    func="""
    IF TG_OP = 'UPDATE' THEN
      IF (NEW.id, NEW.key, NEW.expert_id, NEW.escrow_id, NEW.reservation_id, NEW.currency,
          NEW.pay_minor, NEW.fee_minor, NEW.cap_minor, NEW.pay_channel, NEW.earned_at,
          NEW.seconds)
        IS DISTINCT FROM
         (OLD.id, OLD.key, OLD.expert_id, OLD.escrow_id, OLD.reservation_id, OLD.currency,
          OLD.pay_minor, OLD.fee_minor, OLD.cap_minor, OLD.pay_channel, OLD.earned_at,
          OLD.seconds) OR NEW.available_at > OLD.available_at THEN
        RAISE EXCEPTION USING ERRCODE = '23001', MESSAGE = 'earning terms never change';
      END IF;
      IF NEW.posting_id IS NOT DISTINCT FROM OLD.posting_id THEN RETURN NEW; END IF;
      IF OLD.posting_id IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '23001', MESSAGE = 'an earning is posted once';
      END IF;
    END IF;
    IF NEW.posting_id IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM payouts_posting WHERE id = NEW.posting_id
        AND sealed_xid = pg_current_xact_id() AND created_at = now()
    ) THEN
      RAISE EXCEPTION USING ERRCODE = '23001', MESSAGE =
        'an earning joins only a posting of its own transaction';
    END IF;
    RETURN NEW;
    """,
)

PAYOUT_KEEPS_ITS_TERMS = pgtrigger.Trigger(
    name="payout_keeps_its_terms",
    level=pgtrigger.Row,
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    func="""
    IF (NEW.run_id, NEW.expert_id, NEW.payee_id, NEW.destination, NEW.currency, NEW.amount_minor)
      IS DISTINCT FROM
       (OLD.run_id, OLD.expert_id, OLD.payee_id, OLD.destination, OLD.currency, OLD.amount_minor)
    THEN
      RAISE EXCEPTION USING ERRCODE = '23001', MESSAGE =
        'amount and destination of a payout never change';
    END IF;
    RETURN NEW;
    """,
)

BANK_ATTEMPT_IS_WHAT_ARRIVED = pgtrigger.Trigger(
    name="bank_attempt_is_what_arrived",
    level=pgtrigger.Row,
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    declare=[("p", "payouts_payout")],
    func="""
    IF TG_OP = 'UPDATE' THEN
      IF (NEW.payout_id, NEW.number, NEW.key, NEW.request, NEW.request_sha256, NEW.api_version,
          NEW.currency, NEW.amount_minor)
        IS DISTINCT FROM
         (OLD.payout_id, OLD.number, OLD.key, OLD.request, OLD.request_sha256, OLD.api_version,
          OLD.currency, OLD.amount_minor) THEN
        RAISE EXCEPTION USING ERRCODE = '23001', MESSAGE = 'a frozen request never changes';
      END IF;
      RETURN NEW;
    END IF;
    SELECT * INTO p FROM payouts_payout WHERE id = NEW.payout_id;
    IF NEW.currency <> coalesce(nullif(p.arrived_currency, ''), p.currency)
      OR NEW.amount_minor > coalesce(p.arrived_minor, p.amount_minor) THEN
      RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE =
        'a bank is paid no more than what arrived';
    END IF;
    RETURN NEW;
    """,
)

ITEM_IS_NOT_PAYROLL = pgtrigger.Trigger(
    name="item_is_not_payroll",
    level=pgtrigger.Row,
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    func="""
    IF EXISTS (SELECT 1 FROM payouts_earning WHERE id = NEW.earning_id AND pay_channel = 'payroll')
    THEN
      RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'an employee is paid by the employer';
    END IF;
    RETURN NEW;
    """,
)


ITEM_IS_PAYROLL = pgtrigger.Trigger(
    name="item_is_payroll",
    level=pgtrigger.Row,
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    func="""
    IF EXISTS (SELECT 1 FROM payouts_earning WHERE id = NEW.earning_id AND pay_channel <> 'payroll')
    THEN
      RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'only an employee is on a payroll';
    END IF;
    RETURN NEW;
    """,
)

MODE_MATCHES = pgtrigger.Trigger(
    name="mode_matches",
    level=pgtrigger.Row,
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    declare=[("m", "boolean")],
    # The first row of money decides the mode of the instance for good.
    func="""
    SELECT livemode INTO m FROM payouts_instancemode WHERE id = 1;
    IF m IS NULL THEN
      INSERT INTO payouts_instancemode (id, livemode) VALUES (1, NEW.livemode)
        ON CONFLICT (id) DO NOTHING;
      SELECT livemode INTO m FROM payouts_instancemode WHERE id = 1;
    END IF;
    IF m IS DISTINCT FROM NEW.livemode THEN
      RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE =
        'sandbox and live money never mix: this instance is ' ||
        CASE WHEN m THEN 'live' ELSE 'a sandbox' END;
    END IF;
    RETURN NEW;
    """,
)

MODE_IS_FOR_GOOD = pgtrigger.Trigger(
    name="mode_is_for_good",
    level=pgtrigger.Row,
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    func="RAISE EXCEPTION 'the mode of an instance is for good' USING ERRCODE = '23001';",
)


def never_deleted(rows: str) -> list[pgtrigger.Trigger]:
    """Refuse DELETE and TRUNCATE of rows that may change; a test database may be flushed."""
    refusal = f"RAISE EXCEPTION '{rows} are never deleted' USING ERRCODE = '23001';"
    return [
        pgtrigger.Trigger(
            name="never_deleted",
            level=pgtrigger.Row,
            when=pgtrigger.Before,
            operation=pgtrigger.Delete,
            func=refusal,
        ),
        pgtrigger.Trigger(
            name="never_emptied",
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Truncate,
            func=f"IF left(current_database(), 5) <> 'test_' THEN {refusal} END IF; RETURN NULL;",
        ),
    ]
