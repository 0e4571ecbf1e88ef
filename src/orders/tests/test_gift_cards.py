"""Gift cards as goods: made once they are paid, refunded as long as nobody spent them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core.models import OutboxEvent
from orders import services
from orders.domain import OrderStatus
from orders.errors import CancelRefused, GiftCardForGiftCard, GiftCardsOut
from orders.models import Order
from orders.services import CancelWish
from orders.tests.factories import make_order
from orders.tests.gateway import agree, cancel, catch_up, deliver, expire, pay, set_faults, state_of, webhook_bodies
from orders.tests.gift_cards import (
    buy,
    card_line,
    cards_of,
    code_of,
    issue,
    kept_of,
    lefts,
    make_card_stock,
    make_clerk,
    make_goods,
    refund,
    spend,
)
from payments import selectors as ledger
from payments.domain import GIFT_CARD, GIFTS, SALES, RefundTo
from payments.errors import GiftCardUnknown
from payments.models import Balance
from payments.tests.factories import make_gift_card, make_store_credit


@pytest.mark.django_db(transaction=True)
class TestIssueGiftCards:
    def test_makes_one_card_for_each_unit_of_its_undiscounted_price(self) -> None:
        order = buy((make_card_stock(5000), 2), (make_card_stock(1000), 1))

        assert sorted(lefts(order)) == [1000, 5000, 5000]
        assert {card.recipient for card in cards_of(order)} == {order.email}
        agree()

    def test_books_what_was_paid_as_owed_and_not_as_a_gift(self) -> None:
        before = {account: ledger.balance(account=account, currency="GBP") for account in (SALES, GIFTS)}

        order = buy((make_card_stock(5000), 1))

        [card] = cards_of(order)
        assert ledger.balance(account=card.account, currency="GBP") == -5000
        assert ledger.balance(account=SALES, currency="GBP") == before[SALES]
        assert ledger.balance(account=GIFTS, currency="GBP") == before[GIFTS]

    def test_counts_an_order_of_nothing_else_as_delivered(self) -> None:
        order = buy((make_card_stock(), 2))

        assert state_of(order) == OrderStatus.DELIVERED.value
        assert card_line(order).shipped == 2
        agree()

    def test_leaves_the_goods_beside_them_to_be_sent(self) -> None:
        order = buy((make_card_stock(), 1), (make_goods(), 1))

        assert state_of(order) == OrderStatus.PAID.value
        assert [line.open for line in order.lines.order_by("position")] == [0, 1]
        agree()

    def test_makes_the_same_cards_however_often_it_is_told(self) -> None:
        order = buy((make_card_stock(), 2), (make_goods(), 1))
        made = [card.pk for card in cards_of(order)]

        for _ in range(3):
            issue(order)
        for body in webhook_bodies() * 2:
            deliver(body)
        catch_up()

        assert [card.pk for card in cards_of(order)] == made
        assert OutboxEvent.objects.filter(name="payments.gift_card_issued").count() == 2
        agree()

    def test_makes_none_for_an_order_that_nobody_paid(self) -> None:
        order = make_order((make_card_stock(), 1))

        issue(order)
        expire(order)
        catch_up()

        assert state_of(order) == OrderStatus.CANCELLED.value
        assert cards_of(order) == []
        agree()

    def test_makes_none_for_an_order_that_was_cancelled_before(self) -> None:
        order = make_order((make_card_stock(), 1))
        pay(order)

        cancel(order)
        catch_up(after=timedelta(minutes=1))

        assert cards_of(order) == []
        assert kept_of(order) == 0
        agree()

    def test_makes_none_for_units_that_were_cancelled_before(self) -> None:
        order = make_order((make_card_stock(), 3))
        pay(order)
        wish = CancelWish(items={card_line(order).pk: 1})
        services.cancel_order(order_id=order.pk, wish=wish, actor=make_clerk(), at=timezone.now())

        catch_up()

        assert lefts(order) == [5000, 5000]
        assert kept_of(order) == 10000
        agree()

    def test_makes_none_for_an_order_that_was_sold_elsewhere(self) -> None:
        order = make_order((make_card_stock(), 1))
        Order.objects.filter(pk=order.pk).update(external_number="INV-1")

        pay(order)
        catch_up()

        assert cards_of(order) == []

    def test_makes_them_although_staff_counted_them_as_sent(self) -> None:
        order = make_order((make_card_stock(), 1))
        pay(order)
        services.move_order(order_id=order.pk, to=OrderStatus.SHIPPED, actor=make_clerk(), at=timezone.now())

        catch_up()

        assert lefts(order) == [5000]
        agree()

    def test_keeps_no_code_in_clear(self) -> None:
        order = buy((make_card_stock(), 1))

        [card] = cards_of(order)
        code = code_of(card)
        assert code.endswith(card.code_end)
        assert not OutboxEvent.objects.filter(payload__icontains=code).exists()


@pytest.mark.django_db(transaction=True)
class TestPayOrder:
    def test_refuses_a_gift_card_for_a_gift_card(self) -> None:
        order, made = make_order((make_card_stock(), 1), (make_goods(), 1)), make_gift_card(9000)

        with pytest.raises(GiftCardForGiftCard):
            pay(order, "", provider=GIFT_CARD, code=made.code)

        assert Balance.objects.get(pk=made.card.pk).left_minor == 9000
        assert state_of(order) == OrderStatus.PENDING.value

    def test_takes_store_credit_for_a_gift_card(self) -> None:
        order = make_order((make_card_stock(), 1))
        assert order.customer is not None
        make_store_credit(order.customer, 5000)

        pay(order, "", provider="store_credit")
        catch_up()

        assert lefts(order) == [5000]
        agree()

    def test_takes_a_card_that_was_bought_for_another_order(self) -> None:
        [card] = cards_of(buy((make_card_stock(), 1)))
        another = make_order((make_goods(2000), 1))

        spend(card, another)

        card.refresh_from_db()
        assert card.left_minor == 3000
        assert state_of(another) == OrderStatus.PAID.value
        agree()


@pytest.mark.django_db(transaction=True)
class TestRefundOrder:
    def test_takes_the_money_out_of_the_card_first(self) -> None:
        order = buy((make_card_stock(), 2), (make_goods(), 1))

        refund(order, 1)

        assert sorted(lefts(order)) == [0, 5000]
        assert kept_of(order) == 7000
        agree()

    def test_lets_nobody_spend_a_card_that_was_taken_back(self) -> None:
        order = buy((make_card_stock(), 1), (make_goods(), 1))
        another = make_order((make_goods(), 1))

        refund(order, 1)

        with pytest.raises(GiftCardUnknown):
            spend(cards_of(order)[0], another)
        assert state_of(another) == OrderStatus.PENDING.value
        agree()

    def test_refuses_a_line_whose_card_was_spent_even_in_part(self) -> None:
        order = buy((make_card_stock(), 1), (make_goods(), 1))
        spend(cards_of(order)[0], make_order((make_goods(100), 1)))

        with pytest.raises(GiftCardsOut) as refusal:
            refund(order, 1)

        assert (refusal.value.facts["wanted"], refusal.value.facts["unspent"]) == (1, 0)
        assert lefts(order) == [4900]
        assert kept_of(order) == 7000
        agree()

    def test_gives_back_as_many_as_are_unspent(self) -> None:
        order = buy((make_card_stock(), 3))
        spend(cards_of(order)[1], make_order((make_goods(100), 1)))

        refund(order, 2)

        assert lefts(order) == [0, 4900, 0]
        assert kept_of(order) == 5000
        agree()

    def test_refuses_a_card_that_is_not_made_yet(self) -> None:
        order = make_order((make_card_stock(), 1))
        pay(order)

        with pytest.raises(GiftCardsOut):
            refund(order, 1)

        catch_up()
        assert lefts(order) == [5000]
        assert kept_of(order) == 5000
        agree()

    def test_takes_all_cards_with_all_that_is_left(self) -> None:
        order = buy((make_card_stock(), 2), (make_goods(), 1))

        refund(order)

        assert lefts(order) == [0, 0]
        assert kept_of(order) == 0
        agree()

    def test_refuses_all_that_is_left_once_a_card_was_spent(self) -> None:
        order = buy((make_card_stock(), 2), (make_goods(), 1))
        spend(cards_of(order)[0], make_order((make_goods(100), 1)))

        with pytest.raises(GiftCardsOut):
            refund(order)

        assert lefts(order) == [4900, 5000]
        assert kept_of(order) == 12000
        agree()

    def test_refuses_an_amount_that_cards_stand_for(self) -> None:
        order = buy((make_card_stock(), 1), (make_goods(), 1))

        with pytest.raises(GiftCardsOut) as refusal:
            refund(order, amount=Decimal("20.01"))

        assert refusal.value.facts["left"] == {"amount": "20.00", "currency": "GBP"}
        assert kept_of(order) == 7000
        refund(order, amount=Decimal("20.00"))
        assert kept_of(order) == 5000
        agree()

    def test_takes_no_second_card_where_the_first_refund_failed(self) -> None:
        order = buy((make_card_stock(), 2))
        set_faults(refunds_fail=1)
        refund(order, 1)

        refund(order, 1)

        assert sorted(lefts(order)) == [0, 5000]
        assert kept_of(order) == 5000
        agree()

    def test_gives_store_credit_for_a_card(self) -> None:
        order = buy((make_card_stock(), 1))

        refund(order, 1, to=RefundTo.STORE_CREDIT)

        assert order.customer is not None
        assert [row.left_minor for row in ledger.store_credit(customer_id=order.customer.pk)] == [5000]
        assert lefts(order) == [0]
        agree()


@pytest.mark.django_db(transaction=True)
class TestCancelOrder:
    def test_refuses_a_customer_whose_cards_are_made(self) -> None:
        order = buy((make_card_stock(), 1), (make_goods(), 1))

        with pytest.raises(CancelRefused):
            services.cancel_order(order_id=order.pk, wish=CancelWish(), actor=order.customer, at=timezone.now())

        assert lefts(order) == [5000]
        assert kept_of(order) == 7000

    def test_takes_the_cards_back_with_all_that_is_left(self) -> None:
        order = buy((make_card_stock(), 1), (make_goods(), 1))

        services.cancel_order(order_id=order.pk, wish=CancelWish(), actor=make_clerk(), at=timezone.now())
        catch_up()

        assert lefts(order) == [0]
        assert kept_of(order) == 0
        agree()

    def test_refuses_all_that_is_left_once_a_card_was_spent(self) -> None:
        order = buy((make_card_stock(), 1), (make_goods(), 1))
        spend(cards_of(order)[0], make_order((make_goods(100), 1)))

        with pytest.raises(GiftCardsOut):
            services.cancel_order(order_id=order.pk, wish=CancelWish(), actor=make_clerk(), at=timezone.now())

        assert state_of(order) == OrderStatus.PAID.value
        assert lefts(order) == [4900]
        assert kept_of(order) == 7000
        agree()

    def test_cancels_the_goods_by_name_and_leaves_a_spent_card(self) -> None:
        goods = make_goods()
        order = buy((make_card_stock(), 1), (goods, 1))
        spend(cards_of(order)[0], make_order((make_goods(100), 1)))
        wish = CancelWish(items={order.lines.get(variant=goods.variant_id).pk: 1})

        services.cancel_order(order_id=order.pk, wish=wish, actor=make_clerk(), at=timezone.now())
        catch_up()

        assert kept_of(order) == 5000
        assert lefts(order) == [4900]
        agree()
