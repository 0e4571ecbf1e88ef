from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("products", "0011_no_index_of_markets_alone")]
    operations = [
        AddIndexConcurrently(
            "product",
            models.Index(
                fields=["slug"],
                name="product_slug_begins",
                opclasses=["varchar_pattern_ops"],
                condition=Q(deleted_at__isnull=True),
            ),
        )
    ]
