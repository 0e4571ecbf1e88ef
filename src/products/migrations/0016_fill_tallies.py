from __future__ import annotations

from django.db import migrations

# Once, and for as long as a large shop takes: some ten seconds for each million documents.
FILL = """
SET LOCAL statement_timeout = 0;
SELECT products_fill_tallies();
SELECT products_fill_word_tallies();
"""


class Migration(migrations.Migration):
    """Counts what is there already, while shoppers read and staff write: what is written meanwhile counts itself."""

    dependencies = [("products", "0015_words")]
    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
