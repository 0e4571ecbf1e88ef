from __future__ import annotations

from django.db import migrations

# What was cancelled or delivered so far was so as a whole.
_FILL = """
    UPDATE orders_orderline l SET cancelled = l.quantity FROM orders_order o
     WHERE o.id = l.order_id AND o.status = 'cancelled' AND l.shipped = 0;
    UPDATE orders_fulfilment f SET delivered_at = f.shipped_at FROM orders_order o
     WHERE o.id = f.order_id AND o.status = 'delivered' AND f.delivered_at IS NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0011_edits_stay")]
    operations = [migrations.RunSQL(_FILL, migrations.RunSQL.noop)]
