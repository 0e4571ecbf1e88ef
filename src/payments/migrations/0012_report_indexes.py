from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0011_removed_methods")]
    operations = [
        AddIndexConcurrently("ledgerentry", models.Index(fields=["kind", "at"], name="ledger_entry_by_time")),
        AddIndexConcurrently("attempt", models.Index(fields=["created_at"], name="attempt_by_time")),
    ]
