from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from accounts.tests.factories import make_user
from inventory.tests.factories import NOON, make_stock
from orders import selectors, services
from orders.api.serializers import order_document
from orders.errors import (
    OrderNotFound,
)
from orders.tests.factories import make_guest_order, make_order
from orders.tests.parcels import make_parcel


@pytest.mark.django_db
class TestSelectors:
    def test_a_customer_sees_their_own(self) -> None:
        customer, order = make_user(), make_order()
        mine = make_order(customer=customer)

        assert list(selectors.list_orders(viewer=customer)) == [mine]
        with pytest.raises(OrderNotFound):
            selectors.get_order(order_id=order.pk, viewer=customer)

    def test_a11_nobody_sees_orders_without_a_customer(self) -> None:
        order = make_guest_order()

        with pytest.raises(OrderNotFound):
            selectors.get_order(order_id=order.pk, viewer=None)
        with pytest.raises(OrderNotFound):
            selectors.get_order(order_id=order.pk, viewer=make_user(), token="x")
        assert selectors.get_order(order_id=order.pk, viewer=None, token=order.guest_token) == order

    def test_a_guests_token_opens_no_other_order(self) -> None:
        one, two, customers = make_guest_order(), make_guest_order(), make_order()

        for order in (two, customers):
            with pytest.raises(OrderNotFound):
                selectors.get_order(order_id=order.pk, viewer=None, token=one.guest_token)

    def test_staff_filter_and_search(self) -> None:
        staff = make_user(permissions=["orders.view_order"])
        one, two = make_guest_order(email="one@example.com"), make_order()

        assert list(selectors.list_orders(viewer=staff, search="ONE@example.com")) == [one]
        assert list(selectors.list_orders(viewer=staff, search=two.number.lower())) == [two]
        assert selectors.list_orders(viewer=staff, status="paid").count() == 0
        assert selectors.list_orders(viewer=staff, placed_after=NOON, placed_before=NOON).count() == 0

    def test_costs_five_queries_for_any_number_of_orders_and_parcels(self, django_assert_num_queries: Any) -> None:
        customer = make_user()
        for _ in range(3):
            make_parcel((make_stock(on_hand=5), 2), customer=customer)

        with django_assert_num_queries(5):
            for order in selectors.list_orders(viewer=customer):
                order_document(order)


def test_unknown_orders_are_not_found(db: None) -> None:
    for read in (
        lambda: selectors.get_order_for_message(order_id=uuid4()),
        lambda: selectors.get_orders_for_messages(order_ids=[uuid4(), uuid4()]),
        lambda: selectors.list_notes(order_id=uuid4()),
        lambda: selectors.list_fulfilments(order_id=uuid4(), viewer=make_user()),
        lambda: selectors.packing_slip(order_id=uuid4()),
        lambda: services.add_note(order_id=uuid4(), author=make_user(), text="x"),
    ):
        with pytest.raises(OrderNotFound):
            read()
