from __future__ import annotations

from django.db import migrations, models
from django.db.models import F, Q

_OPEN = ["claimed", "held"]


class Migration(migrations.Migration):
    dependencies = [("inventory", "0005_count_units")]
    operations = [
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=Q(quantity__gt=F("shipped") + F("released"), state__in=_OPEN)
                | (Q(quantity=F("shipped") + F("released")) & ~Q(state__in=_OPEN)),
                name="reservation_open_or_over",
            ),
        )
    ]
