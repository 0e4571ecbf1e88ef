"""Trying again to give back what a provider would not take back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_user
from core.ids import new_id
from core.tests.threads import at_once
from inventory.tests.factories import make_stock
from orders import selectors, services
from orders.domain import OrderStatus
from orders.models import Order
from orders.services import RefundItem, RefundOrder
from orders.tests.factories import make_order
from orders.tests.gateway import agree, catch_up, charges, pay, set_faults, state_of
from orders.tests.returned import make_clerk, make_sent_order
from payments import selectors as ledger
from payments import services as payments
from payments.errors import RefundNotFailed, RefundNotFound, RefundTooLarge
from payments.models import Payment, Refund
from payments.tests.factories import make_gift_card


def treasurer() -> User:
    return make_user(permissions=["payments.add_refund", "orders.view_order", "orders.move_order"])


def retry(refund: Refund, actor: User | None = None) -> Refund:
    return payments.retry_refund(refund_id=refund.pk, actor=actor or treasurer(), at=timezone.now())


def rows() -> list[tuple[int, str]]:
    return list(Refund.objects.order_by("pk").values_list("amount_minor", "status"))


def make_failed_refund(*, price_minor: int = 1000, **wish: Any) -> tuple[Order, Refund]:
    """Return a paid order, and a refund of it that the provider would not take."""
    order = make_order((make_stock(on_hand=5, price_minor=price_minor), 2))
    pay(order)
    set_faults(refunds_fail=1)
    [refund] = services.refund_order(order_id=order.pk, wish=RefundOrder(**wish), actor=treasurer(), at=timezone.now())
    assert refund.status == "failed"
    return order, refund


def make_lost_double_charge() -> tuple[Order, Refund]:
    """Return an order that was charged beside a payment by hand, and of which that charge could not go back."""
    order = make_order((make_stock(price_minor=1000), 1))
    pay(order, "slow")
    services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=treasurer(), at=timezone.now())
    set_faults(refunds_fail=1)
    catch_up(after=timedelta(minutes=2))
    refund: Refund = Refund.objects.get()
    assert (refund.status, state_of(order)) == ("failed", "paid")
    return order, refund


@pytest.mark.django_db
class TestRetryRefund:
    def test_sends_back_what_was_paid_twice_while_the_order_stays_paid(self, settings: Any) -> None:
        settings.SANDBOX_SLOW_SECONDS = 0
        order, failed = make_lost_double_charge()

        again = retry(failed)

        assert (again.status, again.account, state_of(order)) == ("succeeded", "deposits", "paid")
        assert charges()[0]["refunded"] == 1000
        assert ledger.balance(account="deposits", currency="GBP") == 0
        agree()

    def test_is_the_same_refund_however_often_it_is_asked_for(self) -> None:
        _, failed = make_failed_refund(items=())

        first, second = retry(failed), retry(failed)

        assert first.pk == second.pk
        assert rows() == [(2000, "failed"), (2000, "succeeded")]
        agree()

    def test_notes_the_goods_that_it_is_for(self) -> None:
        order = make_order((make_stock(on_hand=5, price_minor=1000), 2))
        pay(order)
        item = RefundItem(line=order.lines.get().pk, quantity=1)
        set_faults(refunds_fail=1)
        [failed] = services.refund_order(
            order_id=order.pk, wish=RefundOrder(items=[item]), actor=treasurer(), at=timezone.now()
        )

        retry(failed)
        wish = RefundOrder(items=[RefundItem(line=order.lines.get().pk, quantity=2)])
        with pytest.raises(RefundTooLarge):
            services.refund_order(order_id=order.pk, wish=wish, actor=treasurer(), at=timezone.now())

        assert rows() == [(1000, "failed"), (1000, "succeeded")]

    def test_refuses_what_was_paid_back_for_the_same_goods_since(self) -> None:
        first, second = (make_stock(on_hand=5, price_minor=1000) for _ in range(2))
        order = make_order((first, 1), (second, 1))
        pay(order)
        line = order.lines.get(position=1)
        wish = RefundOrder(items=[RefundItem(line=line.pk, quantity=1)])
        set_faults(refunds_fail=1)
        [failed] = services.refund_order(order_id=order.pk, wish=wish, actor=treasurer(), at=timezone.now())
        services.refund_order(order_id=order.pk, wish=wish, actor=treasurer(), at=timezone.now())

        with pytest.raises(RefundTooLarge) as refused:
            retry(failed)

        assert (refused.value.facts["line"], refused.value.facts["left"]) == (str(line.pk), 0)
        assert rows() == [(1000, "failed"), (1000, "succeeded")]
        agree()

    def test_of_one_of_two_means_the_goods_were_paid_back_in_part_and_are_not_paid_back_anew(self) -> None:
        first, second = (make_stock(on_hand=5, price_minor=1000) for _ in range(2))
        order = make_order((first, 2), (second, 2))
        pay(order, provider="gift_card", code=make_gift_card(3000).code)
        pay(order)
        line = order.lines.get(position=1)
        wish = RefundOrder(items=[RefundItem(line=line.pk, quantity=2)])
        set_faults(refunds_fail=1)
        refunds = services.refund_order(order_id=order.pk, wish=wish, actor=treasurer(), at=timezone.now())
        assert [(row.amount_minor, row.status) for row in refunds] == [(1000, "failed"), (1000, "succeeded")]

        # All of it anew would be a thousand too much.
        with pytest.raises(RefundTooLarge):
            services.refund_order(order_id=order.pk, wish=wish, actor=treasurer(), at=timezone.now())
        again = retry(refunds[0])

        assert (again.status, Payment.objects.get().refunded_minor) == ("succeeded", 2000)
        agree()

    def test_puts_nothing_on_the_shelf_again(self) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_sent_order((stock, 2))
        line = order.lines.get()
        wish = RefundOrder(items=[RefundItem(line=line.pk, quantity=1, restock=True)])
        set_faults(refunds_fail=1)
        [failed] = services.refund_order(order_id=order.pk, wish=wish, actor=treasurer(), at=timezone.now())

        retry(failed)

        stock.refresh_from_db()
        assert stock.on_hand == 8
        # The other unit may still come back.
        assert selectors.returnable_units(order_id=order.pk, lines=[order.lines.get()]) == {line.pk: 1}
        agree()

    def test_may_fail_again_and_be_tried_again(self) -> None:
        _, failed = make_failed_refund()
        set_faults(refunds_fail=1)

        again = retry(failed)
        third = retry(again)

        assert rows() == [(2000, "failed"), (2000, "failed"), (2000, "succeeded")]
        assert third.pk not in (failed.pk, again.pk)
        agree()

    def test_is_borne_by_what_a_cancelled_order_owes(self) -> None:
        order, failed = make_failed_refund()
        set_faults(refunds_fail=1)
        services.move_order(
            order_id=order.pk, to=OrderStatus.CANCELLED, actor=treasurer(), at=timezone.now(), reason="x"
        )
        catch_up(after=timedelta(minutes=1))

        again = retry(failed)

        assert (again.status, again.account) == ("succeeded", "refunds_due")
        assert ledger.balance(account="refunds_due", currency="GBP") == 0
        agree()

    def test_refuses_what_went_back_meanwhile(self) -> None:
        order, failed = make_failed_refund()
        services.refund_order(order_id=order.pk, wish=RefundOrder(), actor=treasurer(), at=timezone.now())

        with pytest.raises(RefundTooLarge):
            retry(failed)

        assert rows() == [(2000, "failed"), (2000, "succeeded")]
        agree()

    def test_refuses_what_did_not_fail_and_what_is_not_there(self) -> None:
        _, failed = make_failed_refund()
        again = retry(failed)

        with pytest.raises(RefundNotFailed):
            retry(again)
        with pytest.raises(RefundNotFound):
            payments.retry_refund(refund_id=new_id(), actor=treasurer(), at=timezone.now())

        assert Payment.objects.get().refunded_minor == 2000
        assert len(rows()) == 2


@pytest.mark.django_db(transaction=True)
def test_a_refund_that_many_try_again_at_once_goes_back_once() -> None:
    _, failed = make_failed_refund()
    clerk = make_clerk()

    found = at_once(lambda _: retry(failed, clerk).pk, range(6))

    assert len(set(found)) == 1
    assert rows() == [(2000, "failed"), (2000, "succeeded")]
    agree()
