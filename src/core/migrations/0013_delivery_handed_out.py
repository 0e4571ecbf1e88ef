from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0012_delivery_by_handler")]
    operations = [
        migrations.AddField("delivery", "handed_out", models.IntegerField(db_default=0, default=0, editable=False)),
    ]
