from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("products", "0008_category_pages")]
    operations = [
        AddIndexConcurrently(
            "productdocument",
            models.Index(
                fields=["market", "price_minor", "product"], include=["in_stock", "published_at"], name="document_price"
            ),
        ),
        RemoveIndexConcurrently("productdocument", "document_cheapest"),
    ]
