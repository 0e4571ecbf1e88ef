from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.fields
import core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0005_saved_methods"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Settlement",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("provider", models.CharField(max_length=30)),
                ("name", models.CharField(max_length=200)),
                ("digest", models.CharField(max_length=64)),
                ("begins_at", models.DateTimeField(blank=True, null=True)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SettlementLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("position", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("charge", "charge"),
                            ("refund", "refund"),
                            ("charge_back", "charge_back"),
                            ("fee", "fee"),
                            ("payout", "payout"),
                            ("other", "other"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reference", models.CharField(blank=True, max_length=200)),
                ("currency", core.fields.CurrencyField(max_length=3)),
                ("gross_minor", models.BigIntegerField(default=0)),
                ("fee_minor", models.BigIntegerField(default=0)),
                ("at", models.DateTimeField(blank=True, null=True)),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("matched", "matched"),
                            ("amount_differs", "amount_differs"),
                            ("unknown", "unknown"),
                            ("repeated", "repeated"),
                            ("not_compared", "not_compared"),
                        ],
                        max_length=20,
                    ),
                ),
                ("booked_minor", models.BigIntegerField(blank=True, null=True)),
                (
                    "attempt",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.attempt",
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="payments.settlement"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="settlement",
            index=models.Index(fields=["-created_at", "-id"], name="settlement_newest"),
        ),
        migrations.AddConstraint(
            model_name="settlement",
            constraint=models.UniqueConstraint(fields=("provider", "digest"), name="settlement_file_once"),
        ),
        migrations.AddIndex(
            model_name="settlementline",
            index=models.Index(fields=["reference"], name="settlement_line_reference"),
        ),
        migrations.AddIndex(
            model_name="settlementline",
            index=models.Index(fields=["settlement", "verdict"], name="settlement_line_verdict"),
        ),
        migrations.AddConstraint(
            model_name="settlementline",
            constraint=models.UniqueConstraint(fields=("settlement", "position"), name="settlement_line_position"),
        ),
    ]
