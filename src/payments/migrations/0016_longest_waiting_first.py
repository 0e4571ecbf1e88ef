from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payments", "0015_sealed_notes")]
    operations = [
        AddIndexConcurrently(
            "attempt",
            models.Index(fields=["ask_at", "id"], name="attempt_asked", condition=models.Q(ask_at__isnull=False)),
        ),
        RemoveIndexConcurrently("attempt", "attempt_to_ask"),
        AddIndexConcurrently(
            "refund",
            models.Index(fields=["ask_at", "id"], name="refund_asked", condition=models.Q(ask_at__isnull=False)),
        ),
        RemoveIndexConcurrently("refund", "refund_to_ask"),
        AddIndexConcurrently(
            "savedmethod",
            models.Index(fields=["ask_at", "id"], name="saved_method_asked", condition=models.Q(ask_at__isnull=False)),
        ),
        RemoveIndexConcurrently("savedmethod", "saved_method_to_remove"),
    ]
