from __future__ import annotations

from django.db import migrations

# As in 0003, with each configuration a constant: so the database puts the body in the place of the call, which
# otherwise costs more than the words that it finds.
CONFIG = """
CREATE OR REPLACE FUNCTION products_text_config(language text) RETURNS regconfig LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE left(language, 2)
        WHEN 'ar' THEN 'arabic'::regconfig WHEN 'da' THEN 'danish'::regconfig WHEN 'de' THEN 'german'::regconfig
        WHEN 'el' THEN 'greek'::regconfig WHEN 'en' THEN 'english'::regconfig WHEN 'es' THEN 'spanish'::regconfig
        WHEN 'fi' THEN 'finnish'::regconfig WHEN 'fr' THEN 'french'::regconfig WHEN 'hu' THEN 'hungarian'::regconfig
        WHEN 'it' THEN 'italian'::regconfig WHEN 'nb' THEN 'norwegian'::regconfig WHEN 'nl' THEN 'dutch'::regconfig
        WHEN 'no' THEN 'norwegian'::regconfig WHEN 'pt' THEN 'portuguese'::regconfig
        WHEN 'ro' THEN 'romanian'::regconfig WHEN 'ru' THEN 'russian'::regconfig WHEN 'sv' THEN 'swedish'::regconfig
        WHEN 'tr' THEN 'turkish'::regconfig ELSE 'simple'::regconfig END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("products", "0004_image_size")]
    operations = [migrations.RunSQL(CONFIG, migrations.RunSQL.noop)]
