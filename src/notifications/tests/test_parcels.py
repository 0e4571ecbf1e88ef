from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from accounts.tests.factories import make_user
from inventory.models import Stock
from inventory.tests.factories import NOON, make_stock
from notifications import handlers
from notifications.models import Mail, Notification
from orders import services as orders
from orders.domain import OrderStatus
from orders.models import Order
from orders.tests.factories import make_guest_order, make_order
from orders.tests.parcels import fulfil, line_ids, make_manager
from products.tests.factories import make_product, make_variant

pytestmark = pytest.mark.django_db


def run(handler: Any, **payload: Any) -> None:
    with transaction.atomic():
        handler(delivery_id="d1", added_later=True, **payload)


def make_named(name: str) -> Stock:
    return make_stock(variant=make_variant(make_product(name, with_variant=False)))


def paid(order: Order) -> Order:
    return orders.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=make_manager(), at=NOON)


class TestReportParcel:
    def test_tells_the_buyer_what_lies_in_it_and_where_it_is_followed(self) -> None:
        customer = make_user("ada@example.com")
        lamp, mug = make_named("Lamp"), make_named("Mug")
        order = paid(make_order((lamp, 2), (mug, 1), customer=customer))
        parcel = fulfil(order, {line_ids(order)[0]: 1}, carrier="UPS", tracking_number="1Z999")

        run(handlers.report_parcel, order_id=str(order.pk), fulfilment_id=str(parcel.pk))

        note, mail = Notification.objects.get(), Mail.objects.get()
        assert note.title == f"A part of order {order.number} is on its way"
        assert (mail.kind, mail.to) == ("order_fulfilled", "ada@example.com")
        assert "1 x Lamp" in mail.text
        assert "Mug" not in mail.text
        for shown in (note.body, mail.text, mail.html):
            assert "https://www.ups.com/track?tracknum=1Z999" in shown

    def test_says_nothing_of_how_it_goes_where_nothing_is_known(self) -> None:
        order = paid(make_guest_order((make_stock(), 2)))
        parcel = fulfil(order, {line_ids(order)[0]: 1})

        run(handlers.report_parcel, order_id=str(order.pk), fulfilment_id=str(parcel.pk))

        mail = Mail.objects.get()
        assert mail.to == "guest@example.com"
        assert "Follow" not in mail.html
        assert order.guest_token in mail.html

    def test_shows_names_as_text(self) -> None:
        order = paid(make_order((make_named("<b>Lamp</b>"), 2)))
        parcel = fulfil(order, {line_ids(order)[0]: 1}, carrier="<i>UPS</i>")

        run(handlers.report_parcel, order_id=str(order.pk), fulfilment_id=str(parcel.pk))

        assert "<b>" not in Mail.objects.get().html
        assert "<i>" not in Mail.objects.get().html


class TestReportPartCancelled:
    @pytest.mark.parametrize("is_refunded", [True, False])
    def test_tells_the_buyer_what_will_not_be_sent(self, is_refunded: bool) -> None:
        order = paid(make_order((make_named("Lamp"), 2)))
        units = {str(line_ids(order)[0]): 1}

        run(handlers.report_part_cancelled, order_id=str(order.pk), units=units, is_refunded=is_refunded)

        note = Notification.objects.get()
        assert note.title == f"A part of order {order.number} was cancelled"
        assert "1 x Lamp" in note.body
        assert ("comes back" in note.body) is is_refunded
