from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.tests.factories import make_user
from core import outbox
from core.models import Delivery, OutboxEvent
from inventory.tests.factories import make_stock
from notifications.models import Mail
from orders import services
from orders.domain import Resolution
from orders.services import RefundOrder
from orders.tests.factories import make_order
from orders.tests.gateway import pay
from orders.tests.returned import make_received_return, make_sent_order, settle
from payments.domain import RefundTo
from payments.tests.factories import make_gift_card


@pytest.mark.django_db
class TestReportRefund:
    def test_tells_the_buyer_of_each_means_that_gave_back(self) -> None:
        order, made = make_order((make_stock(price_minor=2500), 1)), make_gift_card(1000)
        pay(order, "", provider="gift_card", code=made.code)
        pay(order)

        services.refund_order(order_id=order.pk, wish=RefundOrder(), actor=make_user(), at=timezone.now())
        outbox.drain()

        told = Mail.objects.filter(kind="refund_sent").order_by("subject")
        assert [mail.subject for mail in told] == [
            f"£10.00 back for order {order.number}",
            f"£15.00 back for order {order.number}",
        ]
        assert "It is on your gift card again." in told[0].text
        assert "the way it came" in told[1].text

    @pytest.mark.parametrize(
        ("guest", "words"), [(False, "yours to spend in the shop."), (True, "goes on the way you")]
    )
    def test_says_where_what_was_paid_with_goods_goes(self, guest: bool, words: str) -> None:
        order = make_sent_order((make_stock(on_hand=5, price_minor=1000), 1), guest=guest)
        made = settle(make_received_return(order), resolution=Resolution.EXCHANGE).exchange_order
        assert made is not None

        services.refund_order(order_id=made.pk, wish=RefundOrder(), actor=make_user(), at=timezone.now())
        outbox.drain()

        mail = Mail.objects.get(kind="refund_sent", subject=f"£10.00 back for order {made.number}")
        assert words in mail.text

    def test_says_where_store_credit_is(self) -> None:
        order = make_order((make_stock(price_minor=2500), 1))
        pay(order)

        wish = RefundOrder(to=RefundTo.STORE_CREDIT)
        services.refund_order(order_id=order.pk, wish=wish, actor=make_user(), at=timezone.now())
        outbox.drain()

        assert "yours to spend in the shop." in Mail.objects.get(kind="refund_sent").text


@pytest.mark.django_db
class TestSendGiftCard:
    def test_mails_the_code_that_is_nowhere_else(self) -> None:
        made = make_gift_card(5000, recipient="ada@example.com")

        outbox.drain()

        mail = Mail.objects.get(kind="gift_card_sent")
        assert (mail.to, mail.subject) == ("ada@example.com", "A gift card of £50.00")
        assert made.code in mail.text
        assert made.code in mail.html
        kept = str(list(OutboxEvent.objects.values())) + str(list(Delivery.objects.values()))
        assert made.code not in kept
