from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0006_settlements"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField(
            model_name="attempt",
            name="is_saving",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="refund",
            name="group",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="attempt",
            name="balance",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attempts",
                to="payments.balance",
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="saved_method",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="payments.savedmethod",
            ),
        ),
        migrations.AlterField(
            model_name="refund",
            name="to",
            field=models.CharField(
                choices=[("payment", "payment"), ("store_credit", "store_credit"), ("exchange", "exchange")],
                default="payment",
                max_length=12,
            ),
        ),
    ]
