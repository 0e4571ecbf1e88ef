from __future__ import annotations

from django.db import migrations

from core.ledger import append_only


class Migration(migrations.Migration):
    dependencies = [("orders", "0010_count_shipped"), ("core", "0002_append_only")]
    operations = [append_only("orders_orderedit")]
