from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Takes away an index of which that of the constraint ``stock_one_per_place`` does the work."""

    dependencies = [("inventory", "0006_units_agree")]
    operations = [
        migrations.AlterField(
            "stock",
            "variant",
            models.ForeignKey("products.Variant", models.PROTECT, related_name="+", db_index=False),
        ),
    ]
