from __future__ import annotations

from django.contrib.postgres.operations import TrigramExtension, UnaccentExtension
from django.db import migrations

# How many documents a market lists, in all and below each category: kept by the database, exact, and read in one probe.
# Writers that change a count take turns, so that two cannot deadlock; an edit that lists nothing new changes none.
COUNTS = """
CREATE FUNCTION products_count_listing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM products_add_to_counts(array_agg((n.market_id, n.category_ids, 1)::products_listing_change))
           FROM new_rows n;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM products_add_to_counts(array_agg((o.market_id, o.category_ids, -1)::products_listing_change))
           FROM old_rows o;
    ELSE
        PERFORM products_add_to_counts(array_agg(c)) FROM (
            SELECT (n.market_id, n.category_ids, 1)::products_listing_change AS c
              FROM new_rows n JOIN old_rows o ON o.id = n.id WHERE n.category_ids <> o.category_ids
            UNION ALL
            SELECT (o.market_id, o.category_ids, -1)::products_listing_change
              FROM new_rows n JOIN old_rows o ON o.id = n.id WHERE n.category_ids <> o.category_ids) changes;
    END IF;
    RETURN NULL;
END $$;
"""
TYPE = "CREATE TYPE products_listing_change AS (market_id uuid, category_ids uuid[], difference integer);"
ADD = """
CREATE FUNCTION products_add_to_counts(changes products_listing_change[]) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtext('products_listingcount')) WHERE cardinality(changes) > 0;
    INSERT INTO products_listingcount AS c (market_id, category_id, products)
    SELECT market_id, category_id, sum(difference) FROM (
        SELECT market_id, NULL::uuid AS category_id, difference FROM unnest(changes)
        UNION ALL
        SELECT market_id, unnest(category_ids), difference FROM unnest(changes)) steps
     GROUP BY market_id, category_id HAVING sum(difference) <> 0
     ORDER BY market_id, category_id
    ON CONFLICT (market_id, category_id) DO UPDATE SET products = c.products + excluded.products
$$;
"""
TRIGGERS = """
CREATE TRIGGER products_count_insert AFTER INSERT ON products_productdocument
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION products_count_listing();
CREATE TRIGGER products_count_delete AFTER DELETE ON products_productdocument
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION products_count_listing();
CREATE TRIGGER products_count_update AFTER UPDATE ON products_productdocument
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION products_count_listing();
"""
# The door through which a detail asks for live counts. Inventory, a floor above, replaces the body.
LIVE_STOCK = """
CREATE FUNCTION products_live_stock(product uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT '{}'::jsonb $$;
"""


class Migration(migrations.Migration):
    dependencies = [("products", "0001_initial")]
    operations = [
        TrigramExtension(),
        UnaccentExtension(),
        migrations.RunSQL(TYPE, "DROP TYPE products_listing_change;"),
        migrations.RunSQL(ADD, "DROP FUNCTION products_add_to_counts;"),
        migrations.RunSQL(COUNTS, "DROP FUNCTION products_count_listing;"),
        migrations.RunSQL(
            TRIGGERS,
            "DROP TRIGGER products_count_insert ON products_productdocument;"
            "DROP TRIGGER products_count_delete ON products_productdocument;"
            "DROP TRIGGER products_count_update ON products_productdocument;",
        ),
        migrations.RunSQL(LIVE_STOCK, "DROP FUNCTION products_live_stock;"),
    ]
