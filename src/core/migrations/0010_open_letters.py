from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("core", "0009_inspection")]
    operations = [
        AddIndexConcurrently(
            "deadletter",
            models.Index(fields=["noted_at"], name="dead_letter_open", condition=models.Q(resent_at__isnull=True)),
        )
    ]
