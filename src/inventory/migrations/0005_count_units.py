from __future__ import annotations

from django.db import migrations

# What was over so far was over as a whole.
_FILL = """
    UPDATE inventory_reservation
       SET shipped = CASE WHEN state = 'shipped' THEN quantity ELSE 0 END,
           released = CASE WHEN state = 'released' THEN quantity ELSE 0 END
     WHERE state IN ('shipped', 'released');
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0004_units_of_reservations")]
    operations = [migrations.RunSQL(_FILL, migrations.RunSQL.noop)]
