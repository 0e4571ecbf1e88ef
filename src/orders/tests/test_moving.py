from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from accounts.models import User
from accounts.tests.factories import make_user
from core.errors import Forbidden
from core.tests.plans import STATISTICS, pile_up, visits
from inventory.tests.factories import NOON, make_stock
from orders import services
from orders.domain import OrderStatus
from orders.errors import (
    MoveRefused,
    OrderNotFound,
)
from orders.models import Order, OrderMove
from orders.services import moving
from orders.services.moving import move_through
from orders.tests.books import books_agree
from orders.tests.factories import make_guest_order, make_order
from payments import selectors as ledger
from payments.models import Payment


@pytest.mark.django_db
class TestMoveOrder:
    def move(self, order: Order, to: str, *, actor: User | None = None, token: str | None = None, **more: str) -> Order:
        return services.move_order(order_id=order.pk, to=OrderStatus(to), actor=actor, token=token, at=NOON, **more)

    def manager(self) -> User:
        return make_user(permissions=["orders.view_order", "orders.move_order"])

    def test_goes_all_the_way_with_stock_and_money(self) -> None:
        stock, staff = make_stock(on_hand=5, price_minor=1000), self.manager()
        order = make_order((stock, 2))

        for to in ("paid", "shipped", "delivered"):
            self.move(order, to, actor=staff, carrier="Post", tracking_number="T1")

        stock.refresh_from_db()
        assert (stock.on_hand, stock.reserved) == (3, 0)
        assert ledger.balance(account="cash", currency="GBP") == 2000
        assert ledger.balance(account="sales", currency="GBP") == -2000
        assert list(order.moves.order_by("id").values_list("from_status", "to_status", "by")) == [
            ("", "pending", "customer"),
            ("pending", "paid", "staff"),
            ("paid", "shipped", "staff"),
            ("shipped", "delivered", "staff"),
        ]
        assert order.fulfilments.get().tracking_number == "T1"
        books_agree()

    @pytest.mark.parametrize(
        ("path", "refused"),
        [
            ([], "shipped"),
            ([], "delivered"),
            (["paid"], "pending"),
            (["paid"], "delivered"),
            (["paid", "shipped"], "cancelled"),
            (["paid", "shipped", "delivered"], "cancelled"),
            (["cancelled"], "paid"),
        ],
    )
    def test_refuses_what_the_table_does_not_allow(self, path: list[str], refused: str) -> None:
        staff, order = self.manager(), make_order()
        for to in path:
            self.move(order, to, actor=staff)

        with pytest.raises(MoveRefused):
            self.move(order, refused, actor=staff)

        books_agree()

    def test_a_customer_cancels_while_pending_and_the_stock_comes_back(self) -> None:
        stock, customer = make_stock(on_hand=1), make_user()
        order = make_order((stock, 1), customer=customer)

        for _ in range(2):
            self.move(order, "cancelled", actor=customer)

        stock.refresh_from_db()
        assert stock.free == 1
        assert OrderMove.objects.filter(order=order).count() == 2
        books_agree()

    def test_a_customer_makes_no_other_move(self) -> None:
        customer = make_user()
        order = make_order(customer=customer)

        with pytest.raises(MoveRefused):
            self.move(order, "paid", actor=customer)

        self.move(order, "paid", actor=self.manager())
        with pytest.raises(MoveRefused):
            self.move(order, "shipped", actor=customer)

        assert Order.objects.get().status == "paid"

    def test_a_customer_cancels_while_nothing_was_sent(self) -> None:
        customer, staff = make_user(), self.manager()
        order = make_order((make_stock(on_hand=2), 1), customer=customer)
        self.move(order, "paid", actor=staff)
        self.move(order, "cancelled", actor=customer)
        sent = make_order((make_stock(on_hand=2), 1), customer=customer)
        for to in ("paid", "shipped"):
            self.move(sent, to, actor=staff)

        with pytest.raises(MoveRefused):
            self.move(sent, "cancelled", actor=customer)

        assert set(Order.objects.values_list("status", flat=True)) == {"cancelled", "shipped"}
        books_agree()

    def test_a_guest_cancels_with_the_token_alone(self) -> None:
        order = make_guest_order()

        for token in (None, "", "wrong", order.guest_token[:-1], "\ud800"):
            with pytest.raises(OrderNotFound):
                self.move(order, "cancelled", token=token)

        assert self.move(order, "cancelled", token=order.guest_token).status == "cancelled"

    def test_a_stranger_finds_nothing(self) -> None:
        order = make_order()

        with pytest.raises(OrderNotFound):
            self.move(order, "cancelled", actor=make_user())

    def test_staff_who_only_look_move_nothing(self) -> None:
        order = make_order()

        with pytest.raises(Forbidden):
            self.move(order, "cancelled", actor=make_user(permissions=["orders.view_order"]))

        assert Order.objects.get().status == "pending"

    def test_cancelling_a_paid_order_owes_the_money_back(self) -> None:
        staff, order = self.manager(), make_order()

        self.move(order, "paid", actor=staff)
        self.move(order, "cancelled", actor=staff, reason="Lost")

        assert ledger.balance(account="sales", currency="GBP") == 0
        assert ledger.balance(account="refunds_due", currency="GBP") == -order.total_minor
        books_agree()

    def test_paid_again_is_no_payment_of_what_was_paid_elsewhere(self) -> None:
        order = make_order()
        with transaction.atomic():
            move_through(order=order, moves={OrderStatus.PAID: NOON}, reason="Imported.")

        self.move(order, "paid", actor=self.manager())
        services.move_orders(order_ids=[order.pk], to=OrderStatus.PAID, actor=self.manager(), at=NOON)

        assert not Payment.objects.exists()

    def test_several_move_all_or_none(self) -> None:
        staff, orders = self.manager(), [make_order() for _ in range(3)]
        self.move(orders[2], "cancelled", actor=staff)

        with pytest.raises(MoveRefused):
            services.move_orders(order_ids=[o.pk for o in orders], to=OrderStatus.PAID, actor=staff, at=NOON)

        assert Order.objects.filter(status="paid").count() == 0
        moved = services.move_orders(order_ids=[o.pk for o in orders[:2]], to=OrderStatus.PAID, actor=staff, at=NOON)
        assert moved == 2


@pytest.mark.django_db
class TestExpireUnpaid:
    def test_cancels_after_the_time_and_gives_back(self) -> None:
        stock = make_stock(on_hand=1)
        make_order((stock, 1))

        assert services.expire_unpaid(now=NOON + timedelta(hours=23)) == 0
        assert services.expire_unpaid(now=NOON + timedelta(hours=24)) == 1

        stock.refresh_from_db()
        assert stock.free == 1
        assert OrderMove.objects.get(to_status="cancelled").by == "system"

    def test_leaves_paid_orders(self) -> None:
        order = make_order()
        staff = make_user(permissions=["orders.view_order", "orders.move_order"])
        services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=staff, at=NOON)

        assert services.expire_unpaid(now=NOON + timedelta(days=9)) == 0

    def test_one_that_cannot_be_cancelled_holds_up_no_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stuck, other = (make_order((make_stock(on_hand=1), 1)) for _ in range(2))
        Order.objects.filter(pk=stuck.pk).update(expires_at=NOON)
        monkeypatch.setattr(moving, "_EXPIRED_TOGETHER", 1)
        move = moving._move

        def stumble(order: Order, *rest: Any) -> bool:
            if order.pk == stuck.pk:
                raise RuntimeError("its stock is gone")
            return move(order, *rest)

        monkeypatch.setattr(moving, "_move", stumble)

        assert services.expire_unpaid(now=NOON + timedelta(days=2)) == 1

        assert dict(Order.objects.values_list("pk", "status")) == {stuck.pk: "pending", other.pk: "cancelled"}

    @pytest.mark.parametrize("statistics", STATISTICS)
    def test_looks_at_those_that_it_cancels_next_alone(self, statistics: str) -> None:
        usual = {"number": "n::text", "external_number": "''", "cart_id": "lpad(to_hex(n), 32, '0')::uuid"}
        due = {"status": "'pending'", "expires_at": "timestamptz '2026-03-01 11:00Z'"}
        pile_up(Order, statistics=statistics, done=usual | {"status": "'paid'"}, due=usual | due)
        after = (datetime.min.replace(tzinfo=UTC), UUID(int=0))

        with visits("orders_order") as seen:
            first = moving._due_after(after=after, now=NOON)
            second = moving._due_after(after=first[-1], now=NOON)

        assert [pk.int for _, pk in (first[0], second[0])] == [100_000, 100_100]
        assert [each.rows for each in seen] == [100, 100]
