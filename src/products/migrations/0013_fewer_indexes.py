from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Takes away indexes of which others do the work: each cost every new product a write."""

    dependencies = [("products", "0012_slugs_by_beginning")]
    operations = [
        migrations.AlterField("product", "slug", models.SlugField(max_length=150, db_index=False)),
        migrations.AlterField(
            "price",
            "variant",
            models.ForeignKey("products.Variant", models.CASCADE, related_name="prices", db_index=False),
        ),
        migrations.AlterField(
            "productimage",
            "product",
            models.ForeignKey("products.Product", models.CASCADE, related_name="images", db_index=False),
        ),
    ]
