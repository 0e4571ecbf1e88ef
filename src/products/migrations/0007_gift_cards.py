from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("products", "0006_price_lists")]
    operations = [
        migrations.AddField("variant", "is_gift_card", models.BooleanField(db_default=False, default=False)),
    ]
