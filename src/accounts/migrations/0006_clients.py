from __future__ import annotations

from django.db import migrations

from core.fields import EncryptedTextField


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_export_person")]
    operations = [
        migrations.AddField("tokenfamily", "client", EncryptedTextField(blank=True, db_default="", default="")),
    ]
