from __future__ import annotations

from django.db import migrations, models

# A price's bucket, of which 64 double it: narrow where prices are low, and below 128 one for each.
BUCKET = """
CREATE FUNCTION products_price_bucket(price bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN price < 128 THEN price
                ELSE ((58 - position(B'1' IN price::bit(64))) << 6)
                     + (price >> (58 - position(B'1' IN price::bit(64)))) END
$$;
"""
# The lowest price of a bucket.
BUCKET_BEGINS = """
CREATE FUNCTION products_price_bucket_begins(bucket bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN bucket < 128 THEN bucket
                ELSE (bucket - (((bucket >> 6) - 1) << 6)) << ((bucket >> 6) - 1)::int END
$$;
"""
# Microseconds, so that what is newer comes first.
TIME_NUMBER = """
CREATE FUNCTION products_time_number(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT -(extract(epoch FROM at) * 1000000)::bigint
$$;
"""
# What changed is counted in all (a), below each category (c), with each tag (t), by price (p) and by time (d). Nothing is
# changed but added: no writer waits for another, and whoever reads sums up.
COUNT = """
    WITH changes AS MATERIALIZED ({changes}),
    kinds AS (
        SELECT market_id, 'a' AS kind, '' AS label, 0::bigint AS number, sum(sign) AS products,
               sum(sign * in_stock::int) AS free
          FROM changes GROUP BY market_id
         UNION ALL
        SELECT market_id, 'p', '', products_price_bucket(price_minor), sum(sign), sum(sign * in_stock::int)
          FROM changes GROUP BY market_id, products_price_bucket(price_minor)
         UNION ALL
        SELECT market_id, 'd', '', products_time_number(published_at), sum(sign), 0
          FROM changes GROUP BY market_id, published_at
         UNION ALL
        SELECT market_id, 'c', category_id::text, 0, sum(products), sum(free)
          FROM (SELECT market_id, category_ids, sum(sign) AS products, sum(sign * in_stock::int) AS free
                  FROM changes GROUP BY market_id, category_ids) c, unnest(category_ids) category_id
         GROUP BY market_id, category_id
         UNION ALL
        SELECT market_id, 't', tag, 0, sum(products), sum(free)
          FROM (SELECT market_id, tags, sum(sign) AS products, sum(sign * in_stock::int) AS free
                  FROM changes GROUP BY market_id, tags) t, LATERAL (SELECT DISTINCT unnest(tags)) u (tag)
         GROUP BY market_id, tag)
    INSERT INTO products_tally (market_id, kind, label, number, products, free)
    SELECT market_id, kind, label, number, sum(products), sum(free) FROM ({counted}) k
     GROUP BY 1, 2, 3, 4 HAVING sum(products) <> 0 OR sum(free) <> 0;
"""
CHANGED = "SELECT * FROM kinds"
COLUMNS = "{row}.market_id, {row}.in_stock, {row}.category_ids, {row}.tags, {row}.price_minor, {row}.published_at"
NEW, OLD = COLUMNS.format(row="n"), COLUMNS.format(row="o")
ALL = f"SELECT 1 AS sign, {NEW} FROM {{table}} n"  # nosec B608
GONE = f"SELECT -1 AS sign, {OLD} FROM old_rows o"  # nosec B608
DIFFERING = f"""
        SELECT 1 AS sign, {NEW} FROM new_rows n JOIN old_rows o ON o.id = n.id WHERE ({NEW}) IS DISTINCT FROM ({OLD})
         UNION ALL
        SELECT -1, {OLD} FROM new_rows n JOIN old_rows o ON o.id = n.id WHERE ({NEW}) IS DISTINCT FROM ({OLD})
"""  # nosec B608
TALLY = f"""
CREATE FUNCTION products_tally_documents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        {COUNT.format(changes=ALL.format(table="new_rows"), counted=CHANGED)}
    ELSIF TG_OP = 'DELETE' THEN
        {COUNT.format(changes=GONE, counted=CHANGED)}
    ELSE
        {COUNT.format(changes=DIFFERING, counted=CHANGED)}
    END IF;
    RETURN NULL;
END $$;
"""
TRIGGERS = """
CREATE TRIGGER products_tally_insert AFTER INSERT ON products_productdocument
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION products_tally_documents();
CREATE TRIGGER products_tally_delete AFTER DELETE ON products_productdocument
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION products_tally_documents();
CREATE TRIGGER products_tally_update AFTER UPDATE ON products_productdocument
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION products_tally_documents();
"""
NO_TRIGGERS = """
DROP TRIGGER products_tally_insert ON products_productdocument;
DROP TRIGGER products_tally_delete ON products_productdocument;
DROP TRIGGER products_tally_update ON products_productdocument;
"""
# Of what is there already, but for what has been counted since the triggers are there: seen at the same moment, so that
# nobody has to wait meanwhile.
UNCOUNTED = f"{CHANGED} UNION ALL SELECT market_id, kind, label, number, -products, -free FROM products_tally"  # nosec B608
FILL = f"""
CREATE FUNCTION products_fill_tallies() RETURNS void LANGUAGE sql AS $$
    {COUNT.format(changes=ALL.format(table="products_productdocument"), counted=UNCOUNTED)}
$$;
"""
# Rows come and go all day: what is gone is to be passed by nobody.
STORAGE = "ALTER TABLE products_tally SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);"


class Migration(migrations.Migration):
    dependencies = [("products", "0013_fewer_indexes")]
    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market_id", models.UUIDField()),
                ("kind", models.CharField(max_length=1)),
                ("label", models.CharField(max_length=100)),
                ("number", models.BigIntegerField()),
                ("products", models.BigIntegerField()),
                ("free", models.BigIntegerField()),
            ],
            options={
                "verbose_name_plural": "tallies",
                "indexes": [
                    models.Index(
                        fields=["market_id", "kind", "label", "number"],
                        include=["products", "free"],
                        name="tally_sums",
                    )
                ],
            },
        ),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(BUCKET, "DROP FUNCTION products_price_bucket;"),
        migrations.RunSQL(BUCKET_BEGINS, "DROP FUNCTION products_price_bucket_begins;"),
        migrations.RunSQL(TIME_NUMBER, "DROP FUNCTION products_time_number;"),
        migrations.RunSQL(TALLY, "DROP FUNCTION products_tally_documents;"),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
        migrations.RunSQL(FILL, "DROP FUNCTION products_fill_tallies;"),
    ]
