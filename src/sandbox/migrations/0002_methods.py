from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models import Q

import core.ids


class Migration(migrations.Migration):
    dependencies = [("sandbox", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="Method",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("card", models.CharField(max_length=10)),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(card__in=["success", "declined", "3ds", "slow"]), name="sandbox_method_card_known"
                    )
                ],
            },
        ),
        migrations.AddField(model_name="charge", name="saves", field=models.BooleanField(default=False)),
        migrations.AddField(
            model_name="charge",
            name="method",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="charges",
                to="sandbox.method",
            ),
        ),
    ]
