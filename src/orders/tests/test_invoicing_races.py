from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core.tests.threads import at_once
from core.transactions import command
from inventory.tests.factories import NOON, make_stock
from orders import services
from orders.errors import CreditTooLarge
from orders.models import Invoice, InvoiceSeries, Order
from orders.tests.sellers import make_paid_order, make_seller

invoice_all = command(services.invoice_paid_orders)


class Changed(Exception):
    """Something went wrong after the number was taken."""


@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gap_and_no_double_though_some_roll_back() -> None:
    make_seller()
    orders = [make_paid_order() for _ in range(12)]

    def try_to_issue(wanted: tuple[int, Order]) -> str:
        place, order = wanted
        try:
            with transaction.atomic():
                services.invoice_paid_orders(order_ids=[order.pk], at=NOON)
                if place % 3 == 0:
                    raise Changed
        except Changed:
            return "rolled back"
        return "issued"

    outcomes = at_once(try_to_issue, list(enumerate(orders)))

    assert sorted(outcomes) == ["issued"] * 8 + ["rolled back"] * 4
    assert sorted(Invoice.objects.values_list("sequence", flat=True)) == list(range(1, 9))
    assert InvoiceSeries.objects.get().last == 8


@pytest.mark.django_db(transaction=True)
def test_one_order_is_invoiced_once_by_eight_at_once() -> None:
    make_seller()
    order = make_paid_order()

    numbers = at_once(lambda _: services.issue_invoice(order_id=order.pk, at=NOON).number, range(8))

    assert set(numbers) == {"INV-000001"}
    assert InvoiceSeries.objects.get().last == 1


@pytest.mark.django_db(transaction=True)
def test_an_invoice_is_credited_once_by_eight_at_once() -> None:
    make_seller()
    order = make_paid_order((make_stock(price_minor=1000), 1))
    services.issue_invoice(order_id=order.pk, at=NOON)

    def try_to_credit(_: int) -> str:
        try:
            services.issue_credit_note(order_id=order.pk, credit=services.Credit(amount_minor=600), at=NOON)
        except CreditTooLarge:
            return "refused"
        return "credited"

    outcomes = sorted(at_once(try_to_credit, range(8)))

    assert outcomes == ["credited"] + ["refused"] * 7


@pytest.mark.django_db(transaction=True)
def test_the_order_is_locked_before_the_series() -> None:
    make_seller()
    order = make_paid_order()
    services.issue_invoice(order_id=make_paid_order().pk, at=NOON)

    with CaptureQueriesContext(
        connection,
    ) as asked:
        services.issue_invoice(order_id=order.pk, at=NOON)

    locks = [query["sql"] for query in asked if "FOR UPDATE" in query["sql"]]
    assert [name in sql for name, sql in zip(("orders_order", "orders_invoiceseries"), locks, strict=True)] == [
        True,
        True,
    ]
    assert all("ORDER BY" in sql for sql in locks)


@pytest.mark.django_db(transaction=True)
def test_batches_that_share_orders_are_numbered_without_a_gap() -> None:
    make_seller()
    ids = [make_paid_order().pk for _ in range(9)]
    batches = [ids[:6], ids[5:2:-1], ids[3:], [ids[8], ids[0]]]

    at_once(lambda batch: invoice_all(order_ids=batch, at=NOON), batches)

    assert sorted(Invoice.objects.values_list("sequence", flat=True)) == list(range(1, 10))
    assert set(Invoice.objects.values_list("order", flat=True)) == set(ids)
