from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0017_found_by_email_key")]
    operations = [
        AddIndexConcurrently(
            "order",
            models.Index(fields=["expires_at", "id"], name="order_to_expire", condition=models.Q(expires_at__isnull=False)),
        ),
        RemoveIndexConcurrently("order", "order_unpaid"),
    ]
