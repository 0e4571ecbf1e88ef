from __future__ import annotations

from django.db import migrations

from core.fields import SealedBytesField


class Migration(migrations.Migration):
    dependencies = [("core", "0010_open_letters")]
    operations = [migrations.AlterField("idempotencyrecord", "body", SealedBytesField())]
