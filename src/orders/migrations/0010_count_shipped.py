from __future__ import annotations

from django.db import migrations

# What left the house so far left it in the one parcel that there was.
_FILL = """
    UPDATE orders_orderline l SET shipped = l.quantity FROM orders_order o
     WHERE o.id = l.order_id AND o.status IN ('shipped', 'delivered');
    INSERT INTO orders_fulfilmentline (fulfilment_id, line_id, quantity)
    SELECT f.id, l.id, l.quantity FROM orders_orderline l
      JOIN LATERAL (SELECT id FROM orders_fulfilment WHERE order_id = l.order_id ORDER BY id LIMIT 1) f ON true
     WHERE l.shipped > 0;
    UPDATE orders_fulfilment f SET delivered_at = m.at FROM orders_ordermove m
     WHERE m.order_id = f.order_id AND m.to_status = 'delivered' AND m.at >= f.shipped_at;
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0009_returns")]
    operations = [migrations.RunSQL(_FILL, migrations.RunSQL.noop)]
