from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.tests.factories import make_user
from core.periods import Every, Period
from inventory.tests.factories import make_stock
from markets.errors import UnknownMarket
from markets.tests.factories import make_market
from orders import selectors, services
from orders.models import Invoice, Order
from orders.selectors import TaxRow
from orders.services import RefundItem
from orders.tests.drafting import edit, item
from orders.tests.factories import make_order
from orders.tests.gateway import agree, cancel, catch_up, pay
from orders.tests.sellers import make_seller
from orders.tests.sold import make_sold, model_of
from payments import selectors as payment_reads
from payments.models import Posting
from pricing.tests.rules import make_method, make_rate

PAID = datetime(2026, 6, 10, 9, tzinfo=UTC)
JUNE = Period(begins_on=date(2026, 6, 1), ends_on=date(2026, 6, 30))
SUMMER = Period(begins_on=date(2026, 5, 1), ends_on=date(2026, 12, 31))


def goods(price_minor: int = 1200, tax_class: str = "standard") -> tuple[object, int]:
    stock = make_stock(price_minor=price_minor)
    stock.variant.product.tax_class = tax_class
    stock.variant.product.save(update_fields=["tax_class"])
    return stock, 1


def make_paid(*wanted: tuple[object, int], at: datetime = PAID) -> Order:
    order = make_order(*wanted)  # type: ignore[arg-type]
    pay(order, at=at)
    return order


def refund(order: Order, amount: str | None = None, at: datetime = PAID, **wished: Any) -> None:
    clerk = make_user(is_staff=True, is_superuser=True)
    wish = services.RefundOrder(amount=None if amount is None else Decimal(amount), reason="A scratch.", **wished)
    services.refund_order(order_id=order.pk, wish=wish, actor=clerk, at=at)


def taxed(rows: list[TaxRow]) -> list[tuple[str, str, int, int, int, int, int]]:
    return [
        (
            *(row.period, row.tax_class, row.rate_ppm),
            *(row.net_minor, row.tax_minor, row.credited_net_minor, row.credited_tax_minor),
        )
        for row in rows
    ]


@pytest.mark.django_db
class TestReportTax:
    def test_parts_what_was_sold_by_rate_and_class_with_the_delivery(self) -> None:
        make_rate(ppm=200_000)
        make_rate(ppm=50_000, tax_class="reduced")
        make_method(amount_minor=600)
        make_paid(goods(1200), goods(2100, "reduced"), goods(500, "exempt"))

        assert taxed(selectors.report_tax(period=JUNE)) == [
            ("2026-06", "exempt", 0, 500, 0, 0, 0),
            ("2026-06", "reduced", 50_000, 2000, 100, 0, 0),
            ("2026-06", "standard", 200_000, 1500, 300, 0, 0),
        ]

    def test_knows_a_delivery_that_is_exempt(self) -> None:
        make_rate(ppm=200_000)
        make_method(amount_minor=600, tax_class="exempt")
        make_paid(goods(1200))

        assert taxed(selectors.report_tax(period=JUNE)) == [
            ("2026-06", "exempt", 0, 600, 0, 0, 0),
            ("2026-06", "standard", 200_000, 1000, 200, 0, 0),
        ]

    def test_takes_nothing_back_of_what_cost_nothing(self) -> None:
        make_rate(ppm=200_000)
        make_rate(ppm=50_000, tax_class="reduced")
        refund(make_paid(goods(0, "reduced"), goods(1200)))

        assert taxed(selectors.report_tax(period=JUNE)) == [
            ("2026-06", "reduced", 50_000, 0, 0, 0, 0),
            ("2026-06", "standard", 200_000, 1000, 200, 1000, 200),
        ]

    def test_puts_tax_on_top_where_the_market_does(self) -> None:
        make_market(prices_include_tax=False)
        make_rate(ppm=200_000)
        order = make_paid(goods(1000))

        assert order.total_minor == 1200
        assert taxed(selectors.report_tax(period=JUNE)) == [("2026-06", "standard", 200_000, 1000, 200, 0, 0)]

    def test_parts_an_order_that_was_edited_by_what_it_was_paid_as(self) -> None:
        make_rate(ppm=200_000)
        make_rate(ppm=50_000, tax_class="reduced")
        (dear, _), (book, _) = goods(1200), goods(2100, "reduced")
        order = make_order((dear, 1))  # type: ignore[arg-type]
        edit(order, items=[item(book), item(dear)])  # type: ignore[arg-type]
        pay(order, at=PAID)

        assert taxed(selectors.report_tax(period=JUNE)) == [
            ("2026-06", "reduced", 50_000, 2000, 100, 0, 0),
            ("2026-06", "standard", 200_000, 1000, 200, 0, 0),
        ]

    def test_counts_no_order_that_was_not_paid(self) -> None:
        make_rate()
        make_order(goods())  # type: ignore[arg-type]

        assert selectors.report_tax(period=SUMMER) == []

    def test_counts_an_order_on_the_day_of_its_payment_by_the_clock_of_the_zone(self) -> None:
        make_rate()
        make_paid(goods(), at=datetime(2026, 6, 30, 23, 30, tzinfo=UTC))

        june = selectors.report_tax(period=JUNE)
        lagos = selectors.report_tax(
            period=Period(
                begins_on=date(2026, 6, 1), ends_on=date(2026, 7, 2), every=Every.DAY, time_zone="Africa/Lagos"
            )
        )

        assert [row.period for row in june] == ["2026-06"]
        assert [row.period for row in lagos] == ["2026-07-01"]

    def test_takes_what_is_paid_back_on_its_own_day(self) -> None:
        make_rate()
        refund(make_paid(goods(1200)), "6.00", at=PAID + timedelta(days=30))

        assert taxed(selectors.report_tax(period=SUMMER)) == [
            ("2026-06", "standard", 200_000, 1000, 200, 0, 0),
            ("2026-07", "standard", 200_000, 0, 0, 500, 100),
        ]
        agree()

    def test_leaves_nothing_of_an_order_that_was_cancelled_and_paid_back(self) -> None:
        make_rate(ppm=200_000)
        make_rate(ppm=55_000, tax_class="reduced")
        order = make_paid(goods(999), goods(333, "reduced"))
        for amount in ("0.01", "3.33", None):
            refund(order, amount)

        for row in selectors.report_tax(period=JUNE):
            assert (row.net_minor, row.tax_minor) == (row.credited_net_minor, row.credited_tax_minor)

    def test_takes_what_is_paid_back_of_the_rates_of_its_credit_note(self) -> None:
        make_seller()
        make_rate(ppm=200_000)
        make_rate(ppm=55_000, tax_class="reduced")
        make_method(amount_minor=600)
        order = make_paid(goods(999), goods(333, "reduced"))
        book = order.lines.get(position=2)
        sold = {row.tax_class: (row.net_minor, row.tax_minor) for row in selectors.report_tax(period=JUNE)}

        refund(order, items=[RefundItem(line=book.pk, quantity=1)])
        refund(order, "1.00")
        catch_up()

        first, second = Invoice.objects.filter(kind="credit_note").order_by("pk").values_list("parts", flat=True)
        assert (first, sum(second)) == ([0, 333, 0], 100)
        assert second[1] == 0
        credited = {
            row.tax_class: (row.credited_net_minor, row.credited_tax_minor) for row in selectors.report_tax(period=JUNE)
        }
        assert credited == {"reduced": sold["reduced"], "standard": (83, 17)}

    def test_leaves_nothing_where_credit_notes_part_what_is_paid_back(self) -> None:
        make_seller()
        make_market(prices_include_tax=False)
        make_rate(ppm=200_000)
        make_rate(ppm=55_000, tax_class="reduced")
        make_method(amount_minor=395)
        order = make_paid(goods(999), goods(333, "reduced"), goods(77))
        for amount in ("0.01", "3.33"):
            refund(order, amount)
        refund(order, items=[RefundItem(line=order.lines.get(position=3).pk, quantity=1)])
        refund(order)
        catch_up()

        assert Invoice.objects.filter(kind="credit_note").count() == 4
        for row in selectors.report_tax(period=JUNE):
            assert (row.net_minor, row.tax_minor) == (row.credited_net_minor, row.credited_tax_minor)

    def test_ignores_money_that_came_too_late_and_went_back(self) -> None:
        make_rate()
        order = make_order(goods())  # type: ignore[arg-type]
        payment = pay(order, "slow", at=PAID)
        cancel(order)
        catch_up(after=timedelta(minutes=10))

        payment.refresh_from_db()
        assert selectors.report_tax(period=Period(begins_on=date(2026, 1, 1), ends_on=date(2027, 12, 31))) == []

    def test_knows_one_market_from_another(self) -> None:
        make_rate()
        make_paid(goods())
        make_market("de", currency="EUR", is_default=False)

        assert len(selectors.report_tax(period=JUNE, market="uk")) == 1
        assert selectors.report_tax(period=JUNE, market="de") == []
        with pytest.raises(UnknownMarket):
            selectors.report_tax(period=JUNE, market="nowhere")

    def test_asks_once_whatever_the_number_of_orders(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        make_sold(5, random.Random(3))

        with django_assert_num_queries(1):
            selectors.report_tax(period=SUMMER)

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_agrees_with_a_plain_model_of_random_orders_and_with_the_ledger(self, seed: int) -> None:
        sold = make_sold(120, random.Random(seed))

        whole = selectors.report_tax(period=SUMMER)
        part = selectors.report_tax(period=Period(begins_on=date(2026, 6, 14), ends_on=date(2026, 7, 3)))

        assert _by_rate(whole) == model_of(sold, SUMMER.begins_at, SUMMER.ends_at)
        begins_at, ends_at = datetime(2026, 6, 14, tzinfo=UTC), datetime(2026, 7, 4, tzinfo=UTC)
        assert _by_rate(part) == model_of(sold, begins_at, ends_at)
        assert _sums(whole) == {"sales": _booked("order_paid"), "returns": _booked("refund")}


def _by_rate(rows: list[TaxRow]) -> dict[tuple[str, str, str, int, bool], Counter[str]]:
    found: dict[tuple[str, str, str, int, bool], Counter[str]] = {}
    for row in rows:
        key = (row.currency, row.country, row.tax_class, row.rate_ppm, row.is_reversed)
        sums = {"net": row.net_minor, "tax": row.tax_minor}
        back = {"credited_net": row.credited_net_minor, "credited_tax": row.credited_tax_minor}
        found.setdefault(key, Counter()).update(sums | back)
    return {key: sums for key, sums in found.items() if any(sums.values())}


def _sums(rows: list[TaxRow]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {"sales": Counter(), "returns": Counter()}
    for row in rows:
        found["sales"][row.currency] += row.net_minor + row.tax_minor
        found["returns"][row.currency] += row.credited_net_minor + row.credited_tax_minor
    return found


def _booked(kind: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for posting in Posting.objects.filter(entry__kind=kind, amount_minor__gt=0):
        found[posting.currency] += posting.amount_minor
    return found


@pytest.mark.django_db
class TestReportOrders:
    def test_counts_by_state_what_was_placed(self) -> None:
        make_rate()
        make_method(amount_minor=600)
        refund(make_paid(goods(1200)), "2.00")
        make_order(goods(2400))  # type: ignore[arg-type]
        make_order((make_stock(price_minor=600), 3))

        paid, pending = selectors.report_orders(period=JUNE)

        assert (paid.status, paid.orders, paid.units, paid.refunded_minor) == ("paid", 1, 1, 200)
        assert (paid.subtotal_minor, paid.shipping_minor, paid.tax_minor, paid.total_minor) == (1200, 600, 300, 1800)
        assert (pending.status, pending.orders, pending.units) == ("pending", 2, 4)
        assert pending.total_minor == 2400 + 1800 + 1200

    def test_filters_by_market_and_state(self) -> None:
        make_order(goods())  # type: ignore[arg-type]
        make_market("de", currency="EUR", is_default=False)

        assert len(selectors.report_orders(period=JUNE, market="uk", status="pending")) == 1
        assert selectors.report_orders(period=JUNE, market="de") == []
        assert selectors.report_orders(period=JUNE, status="paid") == []

    @pytest.mark.parametrize("every", list(Every))
    def test_agrees_with_a_plain_model_of_random_orders(self, every: Every) -> None:
        sold = make_sold(60, random.Random(9))

        rows = selectors.report_orders(
            period=Period(begins_on=date(2026, 6, 1), ends_on=date(2026, 6, 30), every=every)
        )

        expected: Counter[str] = Counter()
        for each in sold:
            expected[each.order.currency] += each.order.total_minor - sum(amount for _, amount in each.refunds)
        found: Counter[str] = Counter()
        for row in rows:
            found[row.currency] += row.total_minor - row.refunded_minor
        assert found == expected
        assert sum(row.units for row in rows) == sum(line.quantity for each in sold for line in each.facts.lines)
        assert sum(row.orders for row in rows) == 60


@pytest.mark.django_db
class TestReportPayments:
    def test_counts_by_provider_and_state_what_was_begun(self) -> None:
        order = make_paid(goods(1200))
        refund(order, "2.00")
        declined = make_order(goods())  # type: ignore[arg-type]
        pay(declined, "declined", at=PAID)

        captured, failed = payment_reads.report_payments(period=JUNE)

        assert (captured.provider, captured.status, captured.attempts) == ("sandbox", "captured", 1)
        assert (captured.captured_minor, captured.refunded_minor, captured.credited_minor) == (1200, 200, 0)
        assert (failed.status, failed.attempts, failed.declines, failed.captured_minor) == ("failed", 1, 1, 0)

    def test_filters_by_provider_and_state(self) -> None:
        make_paid(goods(1200))

        assert len(payment_reads.report_payments(period=JUNE, provider="sandbox", status="captured")) == 1
        assert payment_reads.report_payments(period=JUNE, provider="stripe") == []
        assert payment_reads.report_payments(period=JUNE, status="failed") == []

    def test_agrees_with_the_ledger(self) -> None:
        make_sold(40, random.Random(5))

        rows = payment_reads.report_payments(period=SUMMER)

        found: Counter[str] = Counter()
        for row in rows:
            found[row.currency] += row.refunded_minor
        assert found == _booked("refund")
        assert sum(row.attempts for row in rows) == 40
