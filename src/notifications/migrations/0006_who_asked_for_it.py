from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("notifications", "0005_suppressions")]
    operations = [
        AddIndexConcurrently(
            "preference",
            models.Index(fields=["kind", "user"], name="preference_asking", condition=models.Q(is_wanted=True)),
        ),
    ]
