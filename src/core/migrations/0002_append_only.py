from __future__ import annotations

from django.db import migrations

# A ledger is a table to which rows are added and nothing else is done (HARD-CASES, section 2, rule 2).
CREATE = """
CREATE FUNCTION core_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION core_refuse_change();")]
