from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0012_report_indexes")]
    operations = [
        migrations.AddField("balance", "taken_back_at", models.DateTimeField(blank=True, null=True)),
    ]
