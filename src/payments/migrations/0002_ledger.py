from __future__ import annotations

from django.db import migrations

from core.ledger import append_only

# Double entry: at the end of the transaction the postings of an entry add up to nothing, per currency.
BALANCED = """
CREATE FUNCTION payments_check_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM payments_posting WHERE entry_id = NEW.entry_id
               GROUP BY currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'entry % does not balance', NEW.entry_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payments_posting_balanced AFTER INSERT ON payments_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_check_balance();
"""
UNBALANCED = "DROP TRIGGER payments_posting_balanced ON payments_posting; DROP FUNCTION payments_check_balance();"


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial"), ("core", "0002_append_only")]
    operations = [
        append_only("payments_ledgerentry"),
        append_only("payments_posting"),
        migrations.RunSQL(BALANCED, UNBALANCED),
    ]
