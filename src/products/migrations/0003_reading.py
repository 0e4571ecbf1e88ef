from __future__ import annotations

from django.db import migrations

# The text search configuration of a market's language; where PostgreSQL has none, words are taken as they stand.
CONFIG = """
CREATE FUNCTION products_text_config(language text) RETURNS regconfig LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE left(language, 2)
        WHEN 'ar' THEN 'arabic' WHEN 'da' THEN 'danish' WHEN 'de' THEN 'german' WHEN 'el' THEN 'greek'
        WHEN 'en' THEN 'english' WHEN 'es' THEN 'spanish' WHEN 'fi' THEN 'finnish' WHEN 'fr' THEN 'french'
        WHEN 'hu' THEN 'hungarian' WHEN 'it' THEN 'italian' WHEN 'nb' THEN 'norwegian' WHEN 'nl' THEN 'dutch'
        WHEN 'no' THEN 'norwegian' WHEN 'pt' THEN 'portuguese' WHEN 'ro' THEN 'romanian' WHEN 'ru' THEN 'russian'
        WHEN 'sv' THEN 'swedish' WHEN 'tr' THEN 'turkish' ELSE 'simple' END::regconfig
$$;
"""
VECTOR = """
CREATE FUNCTION products_search_vector(language text, name text, skus text, labels text, description text)
RETURNS tsvector LANGUAGE sql STABLE AS $$
    SELECT setweight(to_tsvector(products_text_config(language), unaccent(name)), 'A')
        || setweight(to_tsvector('simple', skus), 'B')
        || setweight(to_tsvector(products_text_config(language), unaccent(labels)), 'B')
        || setweight(to_tsvector(products_text_config(language), unaccent(description)), 'C')
$$;
"""
# Documents stand uncompressed in their row as long as they fit into a page: a read neither unpacks nor looks elsewhere.
STORAGE = """
ALTER TABLE products_productdocument ALTER COLUMN document SET STORAGE EXTERNAL;
ALTER TABLE products_productdocument ALTER COLUMN search SET STORAGE MAIN;
ALTER TABLE products_productdocument SET (toast_tuple_target = 8160);
"""


class Migration(migrations.Migration):
    dependencies = [("products", "0002_documents")]
    operations = [
        migrations.RunSQL(CONFIG, "DROP FUNCTION products_text_config;"),
        migrations.RunSQL(VECTOR, "DROP FUNCTION products_search_vector;"),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
