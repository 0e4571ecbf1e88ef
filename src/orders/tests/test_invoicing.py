from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from accounts.tests.factories import make_user
from core import outbox
from core.errors import NotFound
from core.models import Delivery
from core.rotation import sealed_models
from core.transactions import command
from inventory.tests.factories import make_stock
from markets.tests.factories import make_market
from orders import handlers, selectors
from orders.domain import OrderStatus
from orders.errors import InvoiceRefused, SellerInvalid
from orders.events import OrderMoved
from orders.models import Invoice, InvoiceParties, InvoiceSeries, Order
from orders.selectors.invoicing import parties_of
from orders.services import invoice_paid_orders
from orders.tests.factories import make_order
from orders.tests.sellers import DAY, issue, make_paid_order, make_seller
from pricing.tests.rules import make_method, make_rate

publish = command(outbox.publish)
invoice_all = command(invoice_paid_orders)
STATEMENTS = 10


def sold_elsewhere(order: Order) -> Order:
    """Return the order as one of another market."""
    Order.objects.filter(pk=order.pk).update(market=make_market("ie", is_default=False))
    return order


@pytest.mark.django_db
class TestIssueInvoice:
    def test_keeps_what_was_charged_and_who_bought(self) -> None:
        make_seller()
        make_rate("GB")
        make_method("GB", amount_minor=395)
        order = make_paid_order((make_stock(price_minor=1200), 2))

        invoice = issue(order)

        paper = selectors.paper_of(invoice=Invoice.objects.get())
        buyer, where = parties_of(invoice=invoice)
        assert (invoice.number, invoice.kind, invoice.total_minor) == ("INV-000001", "invoice", 2795)
        assert (paper.number, paper.issued_on, paper.order_number) == ("INV-000001", date(2026, 6, 2), order.number)
        assert [(row.quantity, row.net, row.ppm) for row in paper.lines] == [(2, 2000, 200_000)]
        assert [row.net for row in paper.charges] == [329]
        assert (paper.amounts.net, paper.amounts.tax, paper.amounts.gross) == (2329, 466, 2795)
        assert (buyer.name, buyer.address.country) == ("Ada Lovelace", "GB")
        assert where is not None
        assert where.postal_code == "SW1Y 4JH"

    def test_gives_the_same_invoice_again(self) -> None:
        make_seller()
        order = make_paid_order()

        assert issue(order).pk == issue(order).pk
        assert InvoiceSeries.objects.get().last == 1

    def test_refuses_an_order_that_is_not_paid(self) -> None:
        make_seller()

        with pytest.raises(InvoiceRefused) as refusal:
            issue(make_order())

        assert refusal.value.facts == {"reason": "not_paid"}
        assert not InvoiceSeries.objects.exists()

    def test_refuses_where_nobody_sells(self) -> None:
        order = make_paid_order()

        with pytest.raises(InvoiceRefused) as refusal:
            issue(order)

        assert refusal.value.facts == {"reason": "no_seller"}
        assert not Invoice.objects.exists()

    def test_refuses_tax_without_a_number_to_take_it_under(self) -> None:
        make_seller(vat_id="")
        make_rate("GB")
        order = make_paid_order()

        with pytest.raises(InvoiceRefused) as refusal:
            issue(order)

        assert refusal.value.facts == {"reason": "seller_without_tax_number"}

    def test_prefers_the_markets_own_seller(self) -> None:
        order = make_paid_order()
        make_seller()
        make_seller(market=order.market.code, name="Here Ltd", invoice_series="H-")

        assert issue(order).number == "H-000001"

    def test_is_never_changed_afterwards(self) -> None:
        make_seller()
        issue(make_paid_order())

        for change in ("UPDATE orders_invoice SET total_minor = 0", "DELETE FROM orders_invoice"):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(change)

        assert Invoice.objects.get().total_minor > 0

    def test_is_one_for_each_order_by_constraint(self) -> None:
        make_seller()
        invoice = issue(make_paid_order())
        second = Invoice(
            order=invoice.order,
            kind="invoice",
            series="X",
            sequence=1,
            number="X1",
            issued_at=DAY,
            currency="GBP",
            total_minor=1,
            document={},
        )

        with pytest.raises(IntegrityError), transaction.atomic():
            second.save()

    def test_stays_with_its_buyer_when_the_account_goes(self) -> None:
        make_seller()
        order = make_paid_order()
        invoice = issue(order)

        with transaction.atomic():
            handlers.scrub_customer(user_id=str(order.customer_id))

        order.refresh_from_db()
        buyer, _ = parties_of(invoice=Invoice.objects.get(pk=invoice.pk))
        assert order.shipping_address["name"] == ""
        assert buyer.name == "Ada Lovelace"

    def test_seals_who_bought_and_can_change_the_key(self) -> None:
        make_seller()
        issue(make_paid_order())

        with connection.cursor() as cursor:
            cursor.execute("SELECT known FROM orders_invoiceparties")
            [(kept,)] = cursor.fetchall()
            cursor.execute("SELECT document::text FROM orders_invoice")
            [(document,)] = cursor.fetchall()

        assert "Ada" not in kept + document
        assert "SW1Y" not in kept + document
        sealed = [model for model, _ in sealed_models()]
        assert InvoiceParties in sealed
        assert Invoice not in sealed  # which could not be sealed anew


@pytest.mark.django_db
class TestInvoiceOrder:
    def test_writes_the_invoice_when_an_order_is_paid(self) -> None:
        make_seller()
        order = make_paid_order()

        for _ in range(2):
            with transaction.atomic():
                handlers.invoice_order(order_id=str(order.pk), delivery_id="d")

        assert [row.order_id for row in Invoice.objects.all()] == [order.pk]

    def test_is_owed_for_paid_orders_alone(self) -> None:
        make_seller()
        order = make_paid_order()
        Delivery.objects.all().delete()

        for status in OrderStatus:
            move = OrderMoved(order_id=order.pk, move_id=1, from_status="pending", to_status=status.value)
            publish(move, at=timezone.now())

        owed = Delivery.objects.filter(handler="orders.handlers.invoice_order").select_related("event")
        assert [delivery.event.payload["to_status"] for delivery in owed] == ["paid"]

    def test_lets_the_order_go_on_without_a_seller_and_tells_staff(self) -> None:
        order = make_paid_order()
        staff = make_user(is_staff=True, is_superuser=True)

        with transaction.atomic():
            handlers.invoice_order(order_id=str(order.pk))

        found = selectors.list_invoices(order_id=order.pk, viewer=staff, at=DAY)
        own = selectors.list_invoices(order_id=order.pk, viewer=order.customer, at=DAY)
        assert (found.invoices, found.missing) == ([], "no_seller")
        assert own.missing is None


@pytest.mark.django_db
class TestSaveSeller:
    def test_makes_one_and_changes_it(self) -> None:
        first = make_seller()

        second = make_seller(name="Other Ltd")

        assert first.pk == second.pk
        assert [seller.name for seller in selectors.list_sellers()] == ["Other Ltd"]

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"vat_id": "", "registration": ""}, "vat_id"),
            ({"vat_id": "980780684"}, "vat_id"),
            ({"country": "ZZ"}, "country"),
            ({"iban": "GB00NOPE"}, "iban"),
            ({"credit_series": "INV-"}, "credit_series"),
            ({"invoice_series": "a b"}, "invoice_series"),
        ],
    )
    def test_refuses_what_cannot_stand_on_an_invoice(self, given: dict[str, str], field: str) -> None:
        with pytest.raises(SellerInvalid) as refusal:
            make_seller(**given)

        assert refusal.value.facts["errors"][0]["field"] == field
        assert selectors.list_sellers() == []

    def test_refuses_an_unknown_market(self) -> None:
        with pytest.raises(NotFound):
            make_seller(market="nowhere")


@pytest.mark.django_db
class TestListInvoices:
    def test_asks_two_queries(self, django_assert_num_queries: Any) -> None:
        make_seller()
        order = make_paid_order()
        issue(order)
        customer = order.customer

        with django_assert_num_queries(2):
            found = selectors.list_invoices(order_id=order.pk, viewer=customer, at=DAY)

        assert [invoice.number for invoice in found.invoices] == ["INV-000001"]


@pytest.mark.django_db
class TestGetInvoice:
    def test_asks_one_query_for_all_that_is_shown(self, django_assert_num_queries: Any) -> None:
        make_seller()
        order = make_paid_order()
        invoice, customer = issue(order), order.customer

        with django_assert_num_queries(1):
            found = selectors.get_invoice(invoice_id=invoice.pk, viewer=customer)
            document = selectors.invoice_as_xml(invoice=found)

        assert invoice.number.encode() in document


@pytest.mark.django_db
class TestBuyer:
    def test_is_shown_without_a_vat_id_that_names_no_country(self) -> None:
        make_seller()
        order = make_paid_order()
        order.vat_id = "ZZ 12"
        order.save(update_fields=["vat_id"])

        buyer, _ = parties_of(invoice=issue(order))

        assert buyer.vat_id == ""


@pytest.mark.django_db
class TestInvoicePaidOrders:
    def test_costs_no_more_statements_for_twelve_than_for_two(
        self, django_assert_num_queries: Callable[..., AbstractContextManager[Any]]
    ) -> None:
        make_seller()
        issue(make_paid_order())

        for count in (2, 12):
            ids = [make_paid_order().pk for _ in range(count)]
            with django_assert_num_queries(STATEMENTS):
                invoice_all(order_ids=ids, at=DAY)

        assert sorted(Invoice.objects.values_list("sequence", flat=True)) == list(range(1, 16))
        assert InvoiceParties.objects.count() == 15

    def test_invoices_each_as_it_would_be_alone(self) -> None:
        make_seller()
        make_rate("GB")
        make_method("GB", amount_minor=395)
        alone, together, another = (make_paid_order((make_stock(price_minor=1200), 2)) for _ in range(3))

        issue(alone)
        invoice_all(order_ids=[together.pk, another.pk, together.pk], at=DAY)

        first, second, third = Invoice.objects.order_by("sequence")
        own = {"number", "order_number", "issued_on"}
        assert third.order_id == another.pk
        for other, order in ((second, together), (third, another)):
            assert {k: v for k, v in other.document.items() if k not in own} == {
                k: v for k, v in (first.document | {"lines": other.document["lines"]}).items() if k not in own
            }
            assert other.document["order_number"] == order.number
            assert other.document["number"] == other.number
            assert selectors.paper_of(invoice=other).lines[0].sku == order.lines.get().sku

    def test_one_that_cannot_be_invoiced_holds_up_no_other(self) -> None:
        here, elsewhere = make_paid_order(), sold_elsewhere(make_paid_order())
        unpaid = make_order()
        make_seller(market=here.market.code)

        invoice_all(order_ids=[elsewhere.pk, here.pk, unpaid.pk], at=DAY)

        assert [row.order_id for row in Invoice.objects.all()] == [here.pk]

    def test_of_two_sellers_each_has_its_own_numbers(self) -> None:
        make_seller()
        here = make_paid_order()
        make_seller(market=here.market.code, name="Here Ltd", invoice_series="H-")
        orders = [here, sold_elsewhere(make_paid_order()), make_paid_order()]

        invoice_all(order_ids=[order.pk for order in orders], at=DAY)

        assert sorted(Invoice.objects.values_list("number", flat=True)) == ["H-000001", "H-000002", "INV-000001"]
