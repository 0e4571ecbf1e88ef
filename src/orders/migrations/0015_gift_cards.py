from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0014_receipts_by_revision")]
    operations = [
        migrations.AddField("order", "has_gift_cards", models.BooleanField(db_default=False, default=False)),
        migrations.AddField("orderline", "is_gift_card", models.BooleanField(db_default=False, default=False)),
    ]
