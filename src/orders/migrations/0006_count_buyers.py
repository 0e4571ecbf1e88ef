from __future__ import annotations

from django.db import migrations
from django.db.models import Count

from promotions.selectors import buyer_key


def count(apps, schema_editor) -> None:
    """Count the orders of each buyer that there are, as ``promotions.services.count_order`` does from now on."""
    orders = apps.get_model("orders", "Order").objects.exclude(status="cancelled")
    buyers = apps.get_model("promotions", "Buyer").objects
    rows = orders.order_by().values_list("customer_id", "email").annotate(n=Count("pk"))
    found: dict[str, int] = {}
    for customer_id, email, n in rows.iterator():
        if customer_id or email:
            key = buyer_key(customer_id=customer_id, email=email)
            found[key] = found.get(key, 0) + n
    model = buyers.model
    buyers.bulk_create(
        (model(key=key, orders=n) for key, n in found.items()),
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["orders"],
    )


class Migration(migrations.Migration):
    dependencies = [("orders", "0005_invoices"), ("promotions", "0001_initial")]
    operations = [migrations.RunPython(count, migrations.RunPython.noop)]
