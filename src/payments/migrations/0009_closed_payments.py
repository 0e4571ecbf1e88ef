from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("payments", "0008_open_balances")]
    operations = [
        migrations.AddField(
            model_name="payment",
            name="closed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.CheckConstraint(
                condition=Q(provider__in=["gift_card", "store_credit", "exchange"], balance__isnull=False)
                | (~Q(provider__in=["gift_card", "store_credit", "exchange"]) & Q(balance__isnull=True)),
                name="attempt_of_own_books_has_balance",
            ),
        ),
    ]
