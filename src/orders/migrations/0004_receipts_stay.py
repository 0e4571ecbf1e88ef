from __future__ import annotations

from django.db import migrations

from core.ledger import append_only


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_pricing"), ("core", "0002_append_only")]
    operations = [append_only("orders_orderreceipt")]
