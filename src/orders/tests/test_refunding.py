"""Giving back what goods cost: by line, with what the line itself was reduced by."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from inventory.models import Stock
from inventory.tests.factories import make_stock
from orders import services
from orders.errors import MoveRefused
from orders.models import Order
from orders.services import CancelWish, RefundItem, RefundOrder
from orders.tests.factories import make_order
from orders.tests.gateway import agree, catch_up, pay
from orders.tests.parcels import fulfil, line_ids, make_manager, split_line
from orders.tests.returned import make_received_return, make_sent_order, send, settle
from payments.errors import NotPayable, RefundTooLarge
from payments.models import Refund
from payments.providers import GivenBack
from payments.providers.sandbox import Sandbox
from pricing.tests.rules import tell_of_rules
from promotions.tests.factories import make_promotion

pytestmark = pytest.mark.django_db


def refund(order: Order, *items: RefundItem) -> list[Refund]:
    wish = RefundOrder(items=items)
    return services.refund_order(order_id=order.pk, wish=wish, actor=make_manager(), at=timezone.now())


def line(line_id: UUID, units: int = 1) -> RefundItem:
    return RefundItem(line=line_id, quantity=units)


def goods(stock: Stock, units: int = 1) -> RefundItem:
    return RefundItem(variant=stock.variant_id, quantity=units)


def amounts() -> list[int]:
    return list(Refund.objects.order_by("pk").values_list("amount_minor", flat=True))


def noted() -> list[tuple[str, int]]:
    rows = Refund.objects.order_by("pk").values_list("items", flat=True)
    return [(item["line"], item["quantity"]) for items in rows for item in items]


def make_reduced_order() -> Order:
    """Return a paid order of two goods for 10.00 each, of which the first was reduced by half."""
    reduced, dear = make_stock(price_minor=1000), make_stock(price_minor=1000)
    make_promotion("Half", per="line", percent_bp=5000, variants=[reduced.variant_id])
    tell_of_rules()
    order = make_order((reduced, 1), (dear, 1))
    pay(order)
    return order


def make_split_order(stock: Stock) -> Order:
    """Return a paid order with two lines of one variant: of two units and of one."""
    order = make_order((stock, 3))
    pay(order)
    split_line(order, 1)
    return order


def cancel(order: Order, items: dict[UUID, int]) -> None:
    wish = CancelWish(items=items)
    services.cancel_order(order_id=order.pk, wish=wish, actor=make_manager(), at=timezone.now())


class TestRestock:
    def restock(self, order: Order, stock: Stock, units: int) -> None:
        refund(order, RefundItem(variant=stock.variant_id, quantity=units, restock=True))

    def on_hand(self, stock: Stock) -> int:
        stock.refresh_from_db()
        return stock.on_hand

    def test_leaves_out_what_was_never_sent(self) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 3))
        pay(order)
        fulfil(order, {line_ids(order)[0]: 2})
        wish = CancelWish(items={line_ids(order)[0]: 1}, is_refunded=False)
        services.cancel_order(order_id=order.pk, wish=wish, actor=make_manager(), at=timezone.now())

        with pytest.raises(MoveRefused):
            self.restock(order, stock, 3)

        assert (self.on_hand(stock), amounts()) == (7, [])
        self.restock(order, stock, 2)
        assert self.on_hand(stock) == 9
        agree()

    def test_leaves_out_what_came_back_with_a_return(self) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_sent_order((stock, 2))
        settle(make_received_return(order, 1), is_restocked=True, deduction=Decimal(10))

        with pytest.raises(MoveRefused):
            self.restock(order, stock, 2)

        assert (self.on_hand(stock), amounts()) == (8, [])
        agree()

    def test_is_done_once_though_the_money_did_not_go_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_sent_order((stock, 2))
        with monkeypatch.context() as failing:
            failing.setattr(Sandbox, "refund", lambda *_: GivenBack(reference="", is_done=False, failure="closed"))
            self.restock(order, stock, 2)

        with pytest.raises(MoveRefused):
            self.restock(order, stock, 2)

        refund(order, goods(stock, 2))
        assert self.on_hand(stock) == 9
        agree()


class TestRefundByItems:
    def test_gives_back_what_a_reduced_line_cost(self) -> None:
        order = make_reduced_order()
        reduced, dear = line_ids(order)

        refund(order, line(reduced))
        refund(order, line(dear))

        assert amounts() == [500, 1000]
        agree()

    def test_counts_each_line_of_a_variant_by_itself(self) -> None:
        order = make_split_order(make_stock(on_hand=3, price_minor=1000))
        first, second = line_ids(order)

        refund(order, line(second))
        refund(order, line(first, 2))

        assert amounts() == [1000, 2000]
        assert noted() == [(str(second), 1), (str(first), 2)]
        agree()

    def test_spreads_a_variant_over_its_lines_in_their_order(self) -> None:
        stock = make_stock(on_hand=3, price_minor=1000)
        order = make_split_order(stock)
        first, second = line_ids(order)

        refund(order, line(first))
        refund(order, goods(stock, 2))

        assert amounts() == [1000, 2000]
        assert noted() == [(str(first), 1), (str(first), 1), (str(second), 1)]
        agree()

    def test_refuses_units_of_a_line_that_were_paid_back_before(self) -> None:
        order = make_split_order(make_stock(on_hand=3, price_minor=1000))
        _, second = line_ids(order)
        refund(order, line(second))

        with pytest.raises(RefundTooLarge) as refusal:
            refund(order, line(second))

        assert refusal.value.facts == {"left": 0, "line": str(second)}
        assert amounts() == [1000]

    def test_refuses_more_of_a_variant_than_all_its_lines_have_left(self) -> None:
        stock = make_stock(on_hand=3, price_minor=1000)
        order = make_split_order(stock)
        refund(order, goods(stock))

        with pytest.raises(RefundTooLarge) as refusal:
            refund(order, goods(stock, 3))

        assert refusal.value.facts == {"left": 2, "variant": str(stock.variant_id)}
        assert amounts() == [1000]

    def test_says_of_an_unpaid_order_that_it_is_not_paid_whatever_is_asked(self) -> None:
        stock = make_stock(price_minor=1000)
        order = make_order((stock, 1))
        pay(order, "")

        with pytest.raises(NotPayable):
            refund(order, goods(stock, 2))

        assert amounts() == []

    def test_refuses_a_line_of_another_order(self) -> None:
        order = make_order((make_stock(on_hand=3), 2))
        pay(order)

        for item in (line(uuid4()), line(line_ids(make_order((make_stock(), 1)))[0])):
            with pytest.raises(RefundTooLarge):
                refund(order, item)

        assert amounts() == []

    def test_spreads_what_was_noted_by_variant_alone_over_its_lines(self) -> None:
        stock = make_stock(on_hand=3, price_minor=1000)
        order = make_split_order(stock)
        first, second = line_ids(order)
        refund(order, goods(stock, 2))
        Refund.objects.update(items=[{"variant": str(stock.variant_id), "quantity": 2, "restock": False}])

        with pytest.raises(RefundTooLarge):
            refund(order, line(first))
        refund(order, line(second))

        assert amounts() == [2000, 1000]

    def test_counts_units_of_a_line_that_were_returned(self) -> None:
        order = make_order((make_stock(on_hand=3, price_minor=1000), 3))
        split_line(order, 1)
        send(order)
        first, second = line_ids(order)
        settle(make_received_return(order, 0, 1))

        with pytest.raises(RefundTooLarge):
            refund(order, line(second))
        refund(order, line(first, 2))

        assert amounts() == [1000, 2000]


class TestCancelUnits:
    def test_gives_back_what_a_reduced_line_cost(self) -> None:
        order = make_reduced_order()

        cancel(order, {line_ids(order)[0]: 1})
        catch_up()

        assert amounts() == [500]
        agree()

    def test_costs_nothing_where_their_line_was_reduced_to_nothing(self) -> None:
        free, dear = make_stock(price_minor=1000), make_stock(price_minor=1000)
        make_promotion("Gift", per="line", percent_bp=10_000, variants=[free.variant_id])
        tell_of_rules()
        order = make_order((free, 1), (dear, 1))
        pay(order)

        cancel(order, {line_ids(order)[0]: 1})

        assert [row.cancelled for row in order.lines.order_by("position")] == [1, 0]
        assert amounts() == []

    def test_gives_all_of_a_line_back_whose_units_cost_less_than_a_penny(self) -> None:
        penny, dear = make_stock(on_hand=5, price_minor=10), make_stock(price_minor=1000)
        make_promotion("Nearly free", per="line", percent_bp=9_500, variants=[penny.variant_id])
        tell_of_rules()
        order = make_order((penny, 4), (dear, 1))
        pay(order)

        for _ in range(4):
            cancel(order, {line_ids(order)[0]: 1})

        assert order.total_minor == 1002
        assert amounts() == [1, 1]

    def test_counts_each_line_of_a_variant_by_itself(self) -> None:
        order = make_split_order(make_stock(on_hand=3, price_minor=1000))
        first, second = line_ids(order)
        refund(order, line(first, 2))

        cancel(order, {second: 1})

        assert amounts() == [2000, 1000]
        with pytest.raises(RefundTooLarge):
            cancel(order, {first: 1})
