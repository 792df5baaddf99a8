from django.db import migrations

# One statement plans once per connection what it does; sent as a query it would be planned each
# time. A refused overdraft is undone here, so that the caller needs no savepoint of its own.
WRITE = """
CREATE FUNCTION payouts_write_posting(
    new_id uuid, new_kind text, new_currency text, new_key text, new_hash text, new_reverses uuid,
    new_ref text, new_actor uuid, happened timestamptz,
    accounts uuid[], sides text[], amounts bigint[]
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE broken text;
BEGIN
    INSERT INTO payouts_posting
      (id, kind, currency, key, request_hash, reverses_id, external_ref, actor, effective_at)
    VALUES (new_id, new_kind, new_currency, new_key, new_hash, new_reverses,
      new_ref, new_actor, happened)
    ON CONFLICT (key) DO NOTHING;
    IF NOT FOUND THEN RETURN 'taken'; END IF;
    INSERT INTO payouts_entry
      (posting_id, account_id, side, amount_minor, account_version, balance_after_minor)
    SELECT new_id, accounts[n], sides[n], amounts[n], 0, 0
    FROM generate_subscripts(accounts, 1) AS n ORDER BY n;
    RETURN 'written';
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
    IF broken = 'balance_is_not_overdrawn' THEN RETURN 'overdrawn'; END IF;
    RAISE;
END
$$;
"""
DROP = """
DROP FUNCTION payouts_write_posting(
    uuid, text, text, text, text, uuid, text, uuid, timestamptz, uuid[], text[], bigint[]
)
"""


class Migration(migrations.Migration):
    dependencies = [("payouts", "0010_bank_attempts")]

    operations = [migrations.RunSQL(WRITE, DROP)]
