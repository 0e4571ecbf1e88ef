from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("carts", "0002_pricing")]
    operations = [
        AddIndexConcurrently(
            "cart",
            models.Index(fields=["used_at"], name="cart_unused", condition=~models.Q(state="ordered")),
        ),
        RemoveIndexConcurrently("cart", "cart_abandoned"),
    ]
