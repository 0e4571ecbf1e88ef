from __future__ import annotations

from uuid import UUID

from django.db import migrations
from django.db.models import Sum


def open_balances(apps, schema_editor) -> None:
    """Open a row for each customer's store credit that the ledger knows of."""
    postings = apps.get_model("payments", "Posting").objects.filter(account__startswith="store_credit:")
    sums = postings.order_by().values_list("account", "currency").annotate(total=Sum("amount_minor"))
    balance = apps.get_model("payments", "Balance")
    balance.objects.bulk_create(
        balance(
            kind="store_credit",
            account=account,
            currency=currency,
            left_minor=-total,
            customer_id=UUID(account.removeprefix("store_credit:")),
        )
        for account, currency, total in sums
        if total <= 0
    )


class Migration(migrations.Migration):
    dependencies = [("payments", "0007_means")]
    operations = [migrations.RunPython(open_balances, migrations.RunPython.noop)]
