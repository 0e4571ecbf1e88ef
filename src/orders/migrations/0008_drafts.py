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
        ("orders", "0007_fulfilments"),
        ("products", "0006_price_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="DraftOrder",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "open"), ("placed", "placed"), ("cancelled", "cancelled")],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=120)),
                ("email", core.fields.EncryptedTextField(blank=True)),
                ("items", models.JSONField(default=list)),
                ("shipping_address", core.fields.EncryptedJSONField(blank=True, null=True)),
                ("billing_address", core.fields.EncryptedJSONField(blank=True, null=True)),
                ("shipping_method", models.CharField(blank=True, max_length=40)),
                ("coupon", models.CharField(blank=True, max_length=64)),
                ("vat_id", core.fields.EncryptedTextField(blank=True)),
                ("note", models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name="OrderEdit",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("total_before_minor", models.BigIntegerField()),
                ("total_after_minor", models.BigIntegerField()),
                ("changes", models.JSONField()),
            ],
        ),
        migrations.CreateModel(
            name="PaymentLink",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("token", core.fields.EncryptedTextField()),
                ("token_digest", models.CharField(max_length=64, unique=True)),
                ("expires_at", models.DateTimeField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="draftorder",
            name="author",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="draftorder",
            name="customer",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="draftorder",
            name="market",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="markets.market"),
        ),
        migrations.AddField(
            model_name="draftorder",
            name="order",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="draft",
                to="orders.order",
            ),
        ),
        migrations.AddField(
            model_name="orderedit",
            name="actor",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="orderedit",
            name="order",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="edits", to="orders.order"
            ),
        ),
        migrations.AddField(
            model_name="paymentlink",
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
            model_name="paymentlink",
            name="order",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="payment_link", to="orders.order"
            ),
        ),
        migrations.AddIndex(
            model_name="draftorder",
            index=models.Index(fields=["status", "-created_at", "-id"], name="draft_by_status"),
        ),
        migrations.AddConstraint(
            model_name="draftorder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("order__isnull", False), ("status", "placed")),
                    models.Q(models.Q(("status", "placed"), _negated=True), ("order__isnull", True)),
                    _connector="OR",
                ),
                name="draft_placed_has_order",
            ),
        ),
        migrations.AddIndex(
            model_name="orderedit",
            index=models.Index(fields=["order", "id"], name="order_edit_history"),
        ),
    ]
