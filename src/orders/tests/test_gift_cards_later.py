"""Gift cards as goods, when their order is returned, edited, charged back or forgotten; and what books say of them."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from core import outbox
from core.models import Delivery
from orders import selectors, services
from orders.domain import OrderStatus, Resolution
from orders.errors import ExchangeRefused, GiftCardForGiftCard, GiftCardsOut
from orders.models import Order, OrderLine
from orders.services import EditOrder, ItemWish
from orders.services.shares import paid_of_lines
from orders.tests.factories import make_order
from orders.tests.gateway import agree, catch_up, pay
from orders.tests.gift_cards import (
    buy,
    cards_of,
    kept_of,
    lefts,
    make_card_stock,
    make_clerk,
    make_goods,
    spend,
)
from orders.tests.returned import buyer_of, wish_for
from orders.tests.returned import make_clerk as handler
from payments import services as payments
from payments.domain import GIFT_CARD, AttemptStatus
from payments.models import Balance, Payment
from payments.tests.factories import charge_of, make_gift_card


@pytest.mark.django_db(transaction=True)
class TestSettleReturn:
    def returned(self, order: Order) -> None:
        back = services.request_return(
            order_id=order.pk, wish=wish_for(order, 1), asker=buyer_of(order), at=timezone.now()
        )
        services.approve_return(return_id=back.pk, at=timezone.now())
        services.receive_return(return_id=back.pk, at=timezone.now())
        services.settle_return(return_id=back.pk, wish=services.Settlement(), actor=handler(), at=timezone.now())

    def test_takes_the_card_back(self) -> None:
        order = buy((make_card_stock(), 1))

        self.returned(order)

        assert lefts(order) == [0]
        assert kept_of(order) == 0
        agree()

    def test_refuses_a_card_that_was_spent(self) -> None:
        order = buy((make_card_stock(), 1))
        spend(cards_of(order)[0], make_order((make_goods(100), 1)))

        with pytest.raises(GiftCardsOut):
            self.returned(order)

        assert kept_of(order) == 5000
        agree()


@pytest.mark.django_db(transaction=True)
class TestRequestReturn:
    def test_exchanges_no_gift_card(self) -> None:
        order, goods = buy((make_card_stock(), 1)), make_goods()
        wish = wish_for(order, 1, wanted=Resolution.EXCHANGE, wanted_variant=goods.variant_id)

        with pytest.raises(ExchangeRefused) as refusal:
            services.request_return(order_id=order.pk, wish=wish, asker=buyer_of(order), at=timezone.now())

        assert refusal.value.facts == {"reason": "gift_card"}
        assert not order.returns.exists()

    def test_exchanges_nothing_for_a_gift_card(self) -> None:
        order, card = buy((make_goods(), 1)), make_card_stock()
        services.move_order(order_id=order.pk, to=OrderStatus.SHIPPED, actor=make_clerk(), at=timezone.now())
        wish = wish_for(order, 1, wanted=Resolution.EXCHANGE, wanted_variant=card.variant_id)

        with pytest.raises(ExchangeRefused) as refusal:
            services.request_return(order_id=order.pk, wish=wish, asker=buyer_of(order), at=timezone.now())

        assert refusal.value.facts == {"reason": "gift_card"}
        assert not order.returns.exists()


@pytest.mark.django_db(transaction=True)
class TestEditOrder:
    def test_adds_no_gift_card_to_what_a_gift_card_paid_in_part(self) -> None:
        goods, card = make_goods(), make_card_stock()
        order = make_order((goods, 1))
        pay(order, "", provider=GIFT_CARD, code=make_gift_card(500).code)
        items = [ItemWish(variant=stock.variant_id, quantity=1) for stock in (goods, card)]

        with pytest.raises(GiftCardForGiftCard):
            services.edit_order(
                order_id=order.pk, wish=EditOrder(changes={"items": items}), actor=make_clerk(), at=timezone.now()
            )

        order.refresh_from_db()
        assert (order.total_minor, order.has_gift_cards) == (2000, False)

    def test_adds_a_gift_card_which_is_made_once_the_order_is_paid(self) -> None:
        goods, card = make_goods(), make_card_stock()
        order = make_order((goods, 1))
        items = [ItemWish(variant=stock.variant_id, quantity=1) for stock in (goods, card)]

        services.edit_order(
            order_id=order.pk, wish=EditOrder(changes={"items": items}), actor=make_clerk(), at=timezone.now()
        )
        order.refresh_from_db()
        pay(order)
        catch_up()

        assert lefts(order) == [5000]
        agree()


@pytest.mark.django_db(transaction=True)
class TestBlockGiftCards:
    def test_blocks_the_cards_of_an_order_whose_payment_was_charged_back(self) -> None:
        order = buy((make_card_stock(), 1))
        payment = Payment.objects.get(order_id=order.pk)
        attempt = payment.attempts.get()
        known = {"disputed_minor": 5000, "reference": attempt.provider_reference}
        charge = charge_of(attempt, AttemptStatus.CAPTURED, **known)

        payments.record_outcome(attempt_id=attempt.pk, charge=charge, at=timezone.now())
        outbox.drain(now=timezone.now())

        [card] = cards_of(order)
        assert (card.is_active, card.left_minor) == (False, 5000)

    def test_blocks_those_that_are_made_after_the_payment_was_charged_back(self) -> None:
        order = make_order((make_card_stock(), 2))
        pay(order)
        attempt = Payment.objects.get(order_id=order.pk).attempts.get()
        known = {"disputed_minor": 10000, "reference": attempt.provider_reference}
        charge = charge_of(attempt, AttemptStatus.CAPTURED, **known)

        payments.record_outcome(attempt_id=attempt.pk, charge=charge, at=timezone.now())
        for early in Delivery.objects.filter(handler="orders.handlers.block_gift_cards"):
            outbox.deliver(delivery_ids=[str(early.pk)])
        assert cards_of(order) == []
        outbox.drain(now=timezone.now())

        assert [(card.is_active, card.left_minor) for card in cards_of(order)] == [(False, 5000)] * 2


@pytest.mark.django_db(transaction=True)
class TestScrubCustomer:
    def test_forgets_to_whom_the_cards_were_mailed(self) -> None:
        order = buy((make_card_stock(), 1))
        assert order.customer is not None

        with transaction.atomic():
            services.scrub_customer(user_id=order.customer.pk)

        [card] = cards_of(order)
        assert (card.recipient, card.left_minor) == ("", 5000)


@pytest.mark.django_db
class TestPaidOfLines:
    def test_gives_a_card_no_part_of_the_tax_on_delivery(self) -> None:
        order = Order(total_minor=5000 + 2000 + 400 + 500 + 100, shipping_minor=500)
        of_card = OrderLine(quantity=1, subtotal_minor=5000, is_gift_card=True)
        of_goods = OrderLine(quantity=1, subtotal_minor=2000, tax_minor=400)

        with transaction.atomic():
            paid = paid_of_lines(order=order, lines=[of_goods, of_card])

        assert paid == {of_card.pk: 5000, of_goods.pk: 2500}


@pytest.mark.django_db(transaction=True)
class TestFindDifferences:
    def test_tells_of_units_that_were_sent_without_a_card(self) -> None:
        order = buy((make_card_stock(), 1))
        Balance.objects.filter(pk=cards_of(order)[0].pk).update(source="")

        found = [*selectors.find_differences(events_since=order.placed_at), *selectors.find_receipts_that_differ()]

        [line] = order.lines.all()
        words = "1 units sent, but 0 gift cards made of them, and none are about to be"
        assert found == [f"order {order.number}, {line.sku}: {words}"]

    def test_tells_of_an_order_that_hides_its_gift_cards(self) -> None:
        order = buy((make_card_stock(), 1))
        Order.objects.filter(pk=order.pk).update(has_gift_cards=False)

        found = [*selectors.find_differences(events_since=order.placed_at), *selectors.find_receipts_that_differ()]

        assert found == [f"order {order.number}: says False of having gift cards, and its lines say True"]
