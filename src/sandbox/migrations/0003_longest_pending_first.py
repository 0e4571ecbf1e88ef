from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sandbox", "0002_methods")]
    operations = [
        AddIndexConcurrently(
            "charge",
            models.Index(fields=["due_at", "id"], name="sandbox_charge_due", condition=models.Q(status="pending")),
        ),
        RemoveIndexConcurrently("charge", "sandbox_charge_pending"),
    ]
