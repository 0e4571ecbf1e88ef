from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0010_settled_once"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField(
            model_name="attempt",
            name="saver",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(model_name="savedmethod", name="ask_at", field=models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            model_name="savedmethod", name="removed_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.AlterField(
            model_name="savedmethod",
            name="customer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AlterField(
            model_name="refund",
            name="status",
            field=models.CharField(
                choices=[
                    ("created", "created"),
                    ("unknown", "unknown"),
                    ("pending", "pending"),
                    ("succeeded", "succeeded"),
                    ("failed", "failed"),
                ],
                default="created",
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="savedmethod",
            constraint=models.CheckConstraint(
                condition=Q(removed_at__isnull=True, ask_at__isnull=True)
                | Q(removed_at__isnull=False, ask_at__isnull=False, is_default=False),
                name="saved_method_removed_or_kept",
            ),
        ),
        migrations.AddIndex(
            model_name="savedmethod",
            index=models.Index(fields=["ask_at"], name="saved_method_to_remove", condition=Q(ask_at__isnull=False)),
        ),
    ]
