from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0016_sealed_email")]
    operations = [
        AddIndexConcurrently("order", models.Index(fields=["email_key"], name="order_email_key")),
        RemoveIndexConcurrently("order", "order_email"),
    ]
