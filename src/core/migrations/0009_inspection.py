from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0008_first_answer")]
    operations = [
        migrations.CreateModel(
            name="Inspection",
            fields=[
                ("name", models.CharField(max_length=50, primary_key=True, serialize=False)),
                ("begun_at", models.DateTimeField(null=True)),
                ("good_at", models.DateTimeField(null=True)),
                ("found", models.PositiveIntegerField(default=0)),
            ],
        ),
    ]
