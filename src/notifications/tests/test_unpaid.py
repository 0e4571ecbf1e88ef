from __future__ import annotations

import pytest

from core import outbox
from inventory.tests.factories import NOON, make_stock
from notifications.models import Mail
from orders import selectors
from orders.domain import Resolution
from orders.models import Order, PaymentLink
from orders.services import ItemWish
from orders.tests.drafting import edit, item, make_draft, place_draft
from orders.tests.factories import make_guest_order
from orders.tests.returned import make_received_return, make_sent_order, settle


def drafted() -> Order:
    return place_draft(make_draft(item(make_stock(on_hand=9, price_minor=1000))))


@pytest.mark.django_db
class TestSendPaymentLink:
    def test_mails_the_link_instead_of_a_confirmation(self) -> None:
        order = drafted()

        outbox.drain(now=NOON)

        mail = Mail.objects.get()
        assert (mail.kind, mail.to) == ("order_to_pay", "ada@example.com")
        assert selectors.url_of_link(link=PaymentLink.objects.get()) in mail.text
        assert "£10.00" in mail.text
        assert order.number in mail.subject

    def test_tells_what_is_left_to_pay_of_an_exchange(self) -> None:
        order = make_sent_order((make_stock(price_minor=1000), 1))
        dearer = make_stock(on_hand=5, price_minor=1500)
        settle(make_received_return(order, wanted=Resolution.EXCHANGE, wanted_variant=dearer.variant_id))

        outbox.drain()

        mail = Mail.objects.get(kind="order_to_pay")
        assert selectors.url_of_link(link=PaymentLink.objects.get()) in mail.text
        assert "£5.00 is left to pay." in mail.text

    def test_tells_nobody_to_pay_what_is_over(self) -> None:
        order = drafted()
        Order.objects.filter(pk=order.pk).update(status="cancelled")

        outbox.drain(now=NOON)

        assert not Mail.objects.exists()


@pytest.mark.django_db
class TestReportOrderEdit:
    def test_tells_the_new_total_with_the_link(self) -> None:
        order = drafted()
        twice = ItemWish(variant=order.lines.get().variant_id, quantity=2)

        edit(order, items=[twice], reason="One more")
        outbox.drain(now=NOON)

        mail = Mail.objects.get(kind="order_edited")
        assert "£20.00 instead of £10.00" in mail.text
        assert "One more" in mail.text
        assert "/pay/" in mail.text

    def test_leads_to_the_order_where_there_is_no_link(self) -> None:
        order = make_guest_order()

        edit(order, note="Ring twice")
        outbox.drain(now=NOON)

        mail = Mail.objects.get(kind="order_edited")
        assert "Its total is still £10.00" in mail.text
        assert f"/orders/{order.pk}" in mail.text
