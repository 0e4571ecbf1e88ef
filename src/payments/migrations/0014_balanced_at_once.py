from __future__ import annotations

from importlib import import_module

from django.db import migrations

# Double entry: whoever writes postings writes those of an entry together, and they add up to nothing, per currency. One
# look for all rows of a statement; that of the transaction's end looked once for each of them.
AT_ONCE = """
DROP TRIGGER payments_posting_balanced ON payments_posting;
DROP FUNCTION payments_check_balance();
CREATE FUNCTION payments_check_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong uuid;
BEGIN
    SELECT entry_id INTO wrong FROM payments_posting
     WHERE entry_id = ANY(ARRAY(SELECT DISTINCT entry_id FROM added))
     GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % does not balance', wrong USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER payments_posting_balances AFTER INSERT ON payments_posting
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION payments_check_balances();
"""
AT_THE_END = (
    """
DROP TRIGGER payments_posting_balances ON payments_posting;
DROP FUNCTION payments_check_balances();
"""
    + import_module("payments.migrations.0002_ledger").BALANCED
)


class Migration(migrations.Migration):
    dependencies = [("payments", "0013_sold_gift_cards")]
    operations = [migrations.RunSQL(AT_ONCE, AT_THE_END)]
