from __future__ import annotations

from django.db import migrations

# Which share of all documents have a value, or an element of an array or of a search vector, by the statistics that
# ANALYZE keeps of 30,000 rows. Of what is not frequent there are none.
SHARE = """
CREATE FUNCTION products_share(column_name text, value text) RETURNS float8 LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT f.share
              FROM pg_stats s,
                   unnest(coalesce(s.most_common_elems, s.most_common_vals)::text::text[],
                          coalesce(s.most_common_elem_freqs, s.most_common_freqs)) AS f(value, share)
             WHERE s.schemaname = current_schema() AND s.tablename = 'products_productdocument'
               AND s.attname = column_name AND NOT s.inherited AND f.value = $2 LIMIT 1);
END $$;
"""
# The same of numbers from ``lowest`` to ``highest``, at least: of those that are not most common, by whole buckets.
BETWEEN = """
CREATE FUNCTION products_share_between(column_name text, lowest bigint, highest bigint) RETURNS float8
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT (1 - coalesce((SELECT sum(v) FROM unnest(s.most_common_freqs) v), 0))
                   * greatest((SELECT count(*) FROM unnest(b.bounds) x
                                WHERE x >= coalesce(lowest, x) AND x <= coalesce(highest, x)) - 1, 0)
                   / greatest(cardinality(b.bounds) - 1, 1)
              FROM pg_stats s, LATERAL (SELECT s.histogram_bounds::text::bigint[] AS bounds) b
             WHERE s.schemaname = current_schema() AND s.tablename = 'products_productdocument'
               AND s.attname = column_name AND NOT s.inherited);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("products", "0009_price_covers_stock")]
    operations = [
        migrations.RunSQL(SHARE, "DROP FUNCTION products_share;"),
        migrations.RunSQL(BETWEEN, "DROP FUNCTION products_share_between;"),
    ]
