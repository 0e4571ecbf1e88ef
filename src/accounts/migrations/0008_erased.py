from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("accounts", "0007_sealed_email")]
    operations = [
        AddIndexConcurrently(
            "user",
            models.Index(fields=["deleted_at"], name="user_erased", condition=models.Q(deleted_at__isnull=False)),
        ),
    ]
