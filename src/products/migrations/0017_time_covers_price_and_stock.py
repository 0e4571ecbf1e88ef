from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("products", "0016_fill_tallies")]
    operations = [
        AddIndexConcurrently(
            "productdocument",
            models.Index(
                fields=["market", "-published_at", "-product"],
                include=["price_minor", "in_stock"],
                name="document_time",
            ),
        ),
        RemoveIndexConcurrently("productdocument", "document_newest"),
    ]
