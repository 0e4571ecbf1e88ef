from __future__ import annotations

from django.db import migrations

from core.fields import LateSealedTextField

# A longer text, and no row is written anew: what is there stays plain until ``rotate_field_keys`` seals it.
WIDEN = """
-- squawk-ignore changing-column-type
ALTER TABLE payments_balance ALTER COLUMN note TYPE text;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0014_balanced_at_once")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(WIDEN, migrations.RunSQL.noop)],
            state_operations=[migrations.AlterField("balance", "note", LateSealedTextField(blank=True))],
        ),
    ]
