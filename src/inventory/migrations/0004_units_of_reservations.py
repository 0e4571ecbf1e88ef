from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inventory", "0003_live_stock")]
    operations = [
        migrations.AddField("reservation", "shipped", models.PositiveIntegerField(default=0)),
        migrations.AddField("reservation", "released", models.PositiveIntegerField(default=0)),
    ]
