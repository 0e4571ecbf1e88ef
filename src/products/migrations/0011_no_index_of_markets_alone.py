from __future__ import annotations

from django.db import migrations, models
from django.db.models.deletion import CASCADE


class Migration(migrations.Migration):
    """Every other index of documents begins with the market: one of it alone only cost writers."""

    dependencies = [("products", "0010_shares")]
    operations = [
        migrations.AlterField(
            "productdocument",
            "market",
            models.ForeignKey("markets.Market", on_delete=CASCADE, related_name="+", db_index=False),
        ),
    ]
