from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q


def of_level(level: int) -> list[AddIndexConcurrently]:
    """The pages of the categories of a level: by time, and by price."""
    category = f"category_ids__{level}"
    condition = Q(**{f"{category}__isnull": False}) if level else None
    by_time = models.Index(
        F("market"),
        F(category),
        F("published_at").desc(),
        F("product").desc(),
        condition=condition,
        name=f"document_newest_{level + 1}",
    )
    by_price = models.Index(
        F("market"),
        F(category),
        F("price_minor"),
        F("product"),
        condition=condition,
        name=f"document_price_{level + 1}",
    )
    return [AddIndexConcurrently("productdocument", index) for index in (by_time, by_price)]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("products", "0007_gift_cards")]
    operations = [*of_level(0), *of_level(1), *of_level(2)]
