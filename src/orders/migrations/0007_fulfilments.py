from __future__ import annotations

import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0006_count_buyers"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.RenameModel("Shipment", "Fulfilment"),
        migrations.AlterField(
            "fulfilment",
            "order",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="fulfilments", to="orders.order"
            ),
        ),
        migrations.CreateModel(
            name="FulfilmentLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("quantity", models.PositiveIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name="fulfilment",
            name="actor",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="fulfilment",
            name="delivered_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="fulfilment",
            name="request_key",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="fulfilment",
            name="tracking_url",
            field=models.URLField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="orderline",
            name="cancelled",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="orderline",
            name="returned",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="orderline",
            name="shipped",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddConstraint(
            model_name="fulfilment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("request_key", ""), _negated=True),
                fields=("order", "request_key"),
                name="fulfilment_once_per_request",
            ),
        ),
        migrations.AddConstraint(
            model_name="fulfilment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("delivered_at__isnull", True), ("delivered_at__gte", models.F("shipped_at")), _connector="OR"
                ),
                name="fulfilment_delivered_after_shipped",
            ),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "quantity__gte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("shipped"), "+", models.F("cancelled")
                        ),
                    )
                ),
                name="order_line_ships_what_was_bought",
            ),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.CheckConstraint(
                condition=models.Q(("shipped__gte", models.F("returned"))), name="order_line_returns_what_was_shipped"
            ),
        ),
        migrations.AddField(
            model_name="fulfilmentline",
            name="fulfilment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="orders.fulfilment"
            ),
        ),
        migrations.AddField(
            model_name="fulfilmentline",
            name="line",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="fulfilled", to="orders.orderline"
            ),
        ),
        migrations.AddConstraint(
            model_name="fulfilmentline",
            constraint=models.UniqueConstraint(fields=("fulfilment", "line"), name="fulfilment_line_once"),
        ),
        migrations.AddConstraint(
            model_name="fulfilmentline",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gt", 0)), name="fulfilment_line_of_something"
            ),
        ),
    ]
