from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Coalesce
from django.db.models.lookups import IsNull


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("core", "0011_sealed_answers")]
    operations = [
        AddIndexConcurrently(
            "delivery",
            models.Index(
                fields=["handler", "due_at", "id"],
                name="delivery_due",
                condition=models.Q(done_at__isnull=True, dead_at__isnull=True),
            ),
        ),
        AddIndexConcurrently(
            "delivery",
            models.Index(
                fields=["aggregate", "handler", "id"],
                name="delivery_in_order",
                condition=models.Q(IsNull(Coalesce("done_at", "dead_at"), True)),
            ),
        ),
        RemoveIndexConcurrently("delivery", "delivery_owed"),
        RemoveIndexConcurrently("delivery", "delivery_owed_in_order"),
    ]
