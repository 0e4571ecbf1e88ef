from __future__ import annotations

from django.db import migrations

# The body behind the products app's door: variant id -> free units of one product, over all places.
LIVE = """
CREATE OR REPLACE FUNCTION products_live_stock(product uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(free.variant_id, free.units), '{}'::jsonb)
      FROM (SELECT s.variant_id, sum(s.on_hand - s.reserved) AS units
              FROM products_variant v JOIN inventory_stock s ON s.variant_id = v.id
             WHERE v.product_id = product AND v.deleted_at IS NULL
             GROUP BY s.variant_id) free
$$;
"""
NONE = """
CREATE OR REPLACE FUNCTION products_live_stock(product uuid) RETURNS jsonb LANGUAGE sql STABLE AS
$$ SELECT '{}'::jsonb $$;
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0002_ledger"), ("products", "0002_documents")]
    operations = [migrations.RunSQL(LIVE, NONE)]
