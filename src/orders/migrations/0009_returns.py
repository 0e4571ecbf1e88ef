from __future__ import annotations

import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.fields
import core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("markets", "0002_tax_and_rules"),
        ("orders", "0008_drafts"),
        ("products", "0006_price_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Return",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("requested", "requested"),
                            ("approved", "approved"),
                            ("rejected", "rejected"),
                            ("received", "received"),
                            ("completed", "completed"),
                            ("cancelled", "cancelled"),
                        ],
                        default="requested",
                        max_length=10,
                    ),
                ),
                (
                    "wanted",
                    models.CharField(
                        choices=[("refund", "refund"), ("store_credit", "store_credit"), ("exchange", "exchange")],
                        default="refund",
                        max_length=12,
                    ),
                ),
                ("note", models.TextField(blank=True)),
                ("requested_at", models.DateTimeField()),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                ("received_at", models.DateTimeField(blank=True, null=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("answer", models.CharField(blank=True, max_length=500)),
                ("refund_id", models.UUIDField(blank=True, null=True, unique=True)),
                ("request_key", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "permissions": [("handle_return", "Approves, receives and settles returns")],
            },
        ),
        migrations.CreateModel(
            name="ReturnLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("quantity", models.PositiveIntegerField()),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("damaged", "damaged"),
                            ("faulty", "faulty"),
                            ("wrong_item", "wrong_item"),
                            ("not_as_described", "not_as_described"),
                            ("too_big", "too_big"),
                            ("too_small", "too_small"),
                            ("arrived_late", "arrived_late"),
                            ("changed_mind", "changed_mind"),
                            ("withdrawal", "withdrawal"),
                            ("other", "other"),
                        ],
                        max_length=20,
                    ),
                ),
                ("received", models.PositiveIntegerField(default=0)),
                ("restocked", models.PositiveIntegerField(default=0)),
                ("condition", models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name="ReturnPicture",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("file", models.FileField(upload_to="returns/")),
                ("width", models.PositiveIntegerField()),
                ("height", models.PositiveIntegerField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Withdrawal",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("declared", "declared"), ("confirmed", "confirmed")],
                        default="declared",
                        max_length=10,
                    ),
                ),
                ("name", core.fields.EncryptedTextField()),
                ("email", core.fields.EncryptedTextField()),
                ("items", models.JSONField(blank=True, default=list)),
                ("statement", models.TextField(blank=True)),
                ("declared_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                ("token_digest", models.CharField(blank=True, max_length=64)),
                ("is_late", models.BooleanField(default=False)),
                ("request_key", models.CharField(blank=True, max_length=64)),
            ],
        ),
        migrations.AddField(
            model_name="return",
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
            model_name="return",
            name="exchange_order",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="exchanged_for",
                to="orders.order",
            ),
        ),
        migrations.AddField(
            model_name="return",
            name="order",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="returns", to="orders.order"
            ),
        ),
        migrations.AddField(
            model_name="returnline",
            name="back",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="orders.return"
            ),
        ),
        migrations.AddField(
            model_name="returnline",
            name="line",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="orders.orderline"
            ),
        ),
        migrations.AddField(
            model_name="returnline",
            name="wanted_variant",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="products.variant",
            ),
        ),
        migrations.AddField(
            model_name="returnpicture",
            name="back",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="pictures", to="orders.return"
            ),
        ),
        migrations.AddField(
            model_name="withdrawal",
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
            model_name="withdrawal",
            name="back",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="withdrawal",
                to="orders.return",
            ),
        ),
        migrations.AddField(
            model_name="withdrawal",
            name="order",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="withdrawals", to="orders.order"
            ),
        ),
        migrations.AddIndex(
            model_name="return",
            index=models.Index(fields=["status", "-requested_at", "-id"], name="return_by_status"),
        ),
        migrations.AddIndex(
            model_name="return",
            index=models.Index(
                condition=models.Q(("status__in", ["approved", "received", "requested"])),
                fields=["order"],
                name="return_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="return",
            constraint=models.UniqueConstraint(
                condition=models.Q(("request_key", ""), _negated=True),
                fields=("order", "request_key"),
                name="return_once_per_request",
            ),
        ),
        migrations.AddConstraint(
            model_name="returnline",
            constraint=models.UniqueConstraint(fields=("back", "line"), name="return_line_once"),
        ),
        migrations.AddConstraint(
            model_name="returnline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("quantity__gt", 0),
                    ("received__lte", models.F("quantity")),
                    ("restocked__lte", models.F("received")),
                ),
                name="return_line_within_itself",
            ),
        ),
        migrations.AddConstraint(
            model_name="withdrawal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("request_key", ""), _negated=True),
                fields=("order", "request_key"),
                name="withdrawal_once_per_request",
            ),
        ),
        migrations.AddConstraint(
            model_name="withdrawal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("token_digest", ""), _negated=True),
                fields=("token_digest",),
                name="withdrawal_token_once",
            ),
        ),
    ]
