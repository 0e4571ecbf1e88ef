from __future__ import annotations

import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

import core.media


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0012_cancelled_units"),
        ("products", "0006_price_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="orderline",
            name="order_line_returns_what_was_shipped",
        ),
        migrations.RemoveConstraint(
            model_name="returnline",
            name="return_line_within_itself",
        ),
        migrations.AddField(
            model_name="orderline",
            name="returning",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="return",
            name="deduction_minor",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="return",
            name="delivery_minor",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="return",
            name="settled_as",
            field=models.CharField(
                blank=True,
                choices=[("refund", "refund"), ("store_credit", "store_credit"), ("exchange", "exchange")],
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="return",
            name="worth_minor",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="returnline",
            name="accepted",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="withdrawal",
            name="token_expires_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="returnpicture",
            name="file",
            field=models.FileField(storage=core.media.private_files, upload_to="returns/"),
        ),
        migrations.AddIndex(
            model_name="withdrawal",
            index=models.Index(fields=["-declared_at", "-id"], name="withdrawal_newest"),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "shipped__gte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("returned"), "+", models.F("returning")
                        ),
                    )
                ),
                name="order_line_returns_what_was_shipped",
            ),
        ),
        migrations.AddConstraint(
            model_name="return",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("deduction_minor__gte", 0),
                    ("delivery_minor__gte", 0),
                    (
                        "deduction_minor__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("worth_minor"), "+", models.F("delivery_minor")
                        ),
                    ),
                ),
                name="return_keeps_no_more_than_its_worth",
            ),
        ),
        migrations.AddConstraint(
            model_name="returnline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("quantity__gt", 0),
                    ("received__lte", models.F("quantity")),
                    ("accepted__lte", models.F("received")),
                    ("restocked__lte", models.F("accepted")),
                ),
                name="return_line_within_itself",
            ),
        ),
        migrations.AddConstraint(
            model_name="withdrawal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("confirmed_at__isnull", False), ("status", "confirmed")),
                    models.Q(("confirmed_at__isnull", True), ("status", "declared")),
                    _connector="OR",
                ),
                name="withdrawal_confirmed_at_some_time",
            ),
        ),
    ]
