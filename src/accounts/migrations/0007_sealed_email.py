from __future__ import annotations

from django.db import migrations

import accounts.domain
from core.fields import BlindIndexField, LateSealedTextField

# A longer text, and no row is written anew: what is there stays plain until ``rotate_field_keys`` seals it.
WIDEN = """
-- squawk-ignore changing-column-type
ALTER TABLE accounts_user ALTER COLUMN email TYPE text;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_clients")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(WIDEN, migrations.RunSQL.noop)],
            state_operations=[
                migrations.AlterField("user", "email", LateSealedTextField()),
                migrations.AlterField(
                    "user",
                    "email_key",
                    BlindIndexField(fold=accounts.domain.email_key, max_length=300, of="email", unique=True),
                ),
            ],
        ),
    ]
