from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.fields
import core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0003_payments"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Balance",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("gift_card", "gift_card"),
                            ("store_credit", "store_credit"),
                            ("exchange", "exchange"),
                        ],
                        max_length=12,
                    ),
                ),
                ("account", models.CharField(max_length=60)),
                ("currency", core.fields.CurrencyField(max_length=3)),
                ("left_minor", models.BigIntegerField(default=0)),
                ("code_digest", models.CharField(blank=True, max_length=64)),
                ("code_end", models.CharField(blank=True, max_length=4)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("is_active", models.BooleanField(default=True)),
                ("recipient", core.fields.EncryptedTextField(blank=True)),
                ("note", models.CharField(blank=True, max_length=300)),
                ("source", models.CharField(blank=True, max_length=80)),
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
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "permissions": [("issue_balance", "Issues gift cards and grants store credit")],
            },
        ),
        migrations.AddIndex(
            model_name="balance",
            index=models.Index(fields=["kind", "-created_at", "-id"], name="balance_newest"),
        ),
        migrations.AddIndex(
            model_name="balance",
            index=models.Index(fields=["customer"], name="balance_of_customer"),
        ),
        migrations.AddConstraint(
            model_name="balance",
            constraint=models.CheckConstraint(
                condition=models.Q(("left_minor__gte", 0)), name="balance_never_overspent"
            ),
        ),
        migrations.AddConstraint(
            model_name="balance",
            constraint=models.UniqueConstraint(fields=("account", "currency"), name="balance_one_per_account"),
        ),
        migrations.AddConstraint(
            model_name="balance",
            constraint=models.UniqueConstraint(
                condition=models.Q(("code_digest", ""), _negated=True),
                fields=("code_digest",),
                name="balance_code_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="balance",
            constraint=models.UniqueConstraint(
                condition=models.Q(("source", ""), _negated=True), fields=("source",), name="balance_source_once"
            ),
        ),
    ]
