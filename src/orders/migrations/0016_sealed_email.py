from __future__ import annotations

from django.db import migrations

import accounts.domain
from core.fields import BlindIndexField, LateSealedTextField

# A longer text, and no row is written anew: what is there stays plain until ``rotate_field_keys`` seals it.
WIDEN = """
-- squawk-ignore changing-column-type
ALTER TABLE orders_order ALTER COLUMN email TYPE text;
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0015_gift_cards")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(WIDEN, migrations.RunSQL.noop)],
            state_operations=[migrations.AlterField("order", "email", LateSealedTextField(blank=True))],
        ),
        migrations.AddField(
            "order",
            "email_key",
            BlindIndexField(
                blank=True, db_default="", default="", fold=accounts.domain.email_key, max_length=160, of="email"
            ),
        ),
        migrations.AlterField("order", "note", LateSealedTextField(blank=True)),
        migrations.AlterField("ordernote", "text", LateSealedTextField()),
        migrations.AlterField("draftorder", "note", LateSealedTextField(blank=True)),
        migrations.AlterField("return", "note", LateSealedTextField(blank=True)),
        migrations.AlterField("withdrawal", "statement", LateSealedTextField(blank=True)),
    ]
