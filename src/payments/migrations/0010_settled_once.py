from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

_FRESH = ["amount_differs", "matched", "not_compared", "unknown"]
_VERDICTS = ["matched", "amount_differs", "unknown", "repeated", "not_compared", "missing", "settled_later"]


class Migration(migrations.Migration):
    dependencies = [("payments", "0009_closed_payments")]
    operations = [
        migrations.AddField(
            model_name="settlementline",
            name="provider",
            field=models.CharField(default="", max_length=30),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="settlementline",
            name="refund",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="payments.refund",
            ),
        ),
        migrations.AlterField(
            model_name="settlementline",
            name="verdict",
            field=models.CharField(choices=[(verdict, verdict) for verdict in _VERDICTS], max_length=20),
        ),
        migrations.AddConstraint(
            model_name="settlementline",
            constraint=models.UniqueConstraint(
                condition=Q(("verdict__in", _FRESH)) & ~Q(("reference", "")),
                fields=("provider", "kind", "reference"),
                name="settlement_line_once",
            ),
        ),
    ]
