from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.domain import Role
from accounts.tests.factories import make_user
from inventory.models import Stock
from inventory.tests.factories import make_stock
from orders.models import Fulfilment, Order, OrderMove, OrderNote
from orders.tests.factories import make_guest_order, make_order

LIST = "/admin/orders/order/"
YES = {"_confirmed": "yes"}


def browser_of(role: Role) -> Client:
    browser = Client()
    browser.force_login(make_user(roles=[role]), backend="accounts.authentication.EmailBackend")
    return browser


@pytest.fixture
def browser(db: None) -> Client:
    return browser_of(Role.ORDER_MANAGER)


def offered(browser: Client, order: Order) -> set[str]:
    context = browser.get(f"{LIST}{order.pk}/change/").context
    return {each["title"] for each in context["actions_detail"]}


class TestMoves:
    def test_are_buttons_where_the_table_of_moves_allows_them(self, browser: Client) -> None:
        order = make_order()

        pending = offered(browser, order)
        browser.post(f"{LIST}{order.pk}/mark_paid/", YES)
        paid = offered(browser, order)

        assert pending == {"Mark paid", "Edit", "Payment link", "Cancel", "Add a note"}
        assert paid == {"Ship", "Cancel", "Give money back", "Add a note"}

    def test_take_an_order_to_its_end_with_stock_and_history(self, browser: Client) -> None:
        stock = make_stock(on_hand=5)
        order = make_order((stock, 2))

        browser.post(f"{LIST}{order.pk}/mark_paid/", YES)
        browser.post(f"{LIST}{order.pk}/ship/", YES | {"carrier": "Royal Mail", "tracking_number": "RM1"})
        browser.post(f"{LIST}{order.pk}/mark_delivered/", YES)

        order.refresh_from_db()
        stock.refresh_from_db()
        assert order.status == "delivered"
        assert (stock.on_hand, stock.reserved) == (3, 0)
        assert Fulfilment.objects.get().tracking_number == "RM1"
        assert OrderMove.objects.filter(order=order, by="staff").count() == 3

    def test_ask_first_and_move_nothing_meanwhile(self, browser: Client) -> None:
        order = make_order()

        for act in ("mark_paid", "cancel"):
            assert browser.get(f"{LIST}{order.pk}/{act}/").status_code == 200
        browser.post(f"{LIST}{order.pk}/cancel/", YES)

        order.refresh_from_db()
        assert order.status == "pending"

    def test_that_the_table_refuses_are_refused_in_words(self, browser: Client) -> None:
        order = make_order()

        response = browser.post(f"{LIST}{order.pk}/mark_delivered/", YES)

        order.refresh_from_db()
        assert response.status_code == 200
        assert "pending" in response.content.decode()
        assert order.status == "pending"

    def test_of_many_are_all_or_none(self, browser: Client) -> None:
        first, second = make_order(), make_guest_order()
        browser.post(f"{LIST}{second.pk}/mark_paid/", YES)
        chosen = {"_selected_action": [str(first.pk), str(second.pk)], "action": "move_chosen"} | YES

        refused = browser.post(LIST, chosen | {"to": "shipped"})
        browser.post(LIST, chosen | {"to": "cancelled", "reason": "Flood"})

        assert refused.status_code == 200
        assert set(Order.objects.values_list("status", flat=True)) == {"cancelled"}
        assert not Stock.objects.filter(reserved__gt=0).exists()

    @pytest.mark.parametrize("act", ["mark_paid", "ship", "mark_delivered", "cancel"])
    def test_are_for_those_who_hold_the_permission(self, act: str, db: None) -> None:
        order = make_order()
        browser = browser_of(Role.CUSTOMER_SUPPORT)

        response = browser.post(f"{LIST}{order.pk}/{act}/", YES | {"reason": "x"})

        order.refresh_from_db()
        assert response.status_code == 403
        assert order.status == "pending"
        assert offered(browser, order) == {"Add a note"}


class TestNotes:
    def test_are_kept_with_their_author(self, db: None) -> None:
        order = make_order()

        browser_of(Role.CUSTOMER_SUPPORT).post(f"{LIST}{order.pk}/add_note/", YES | {"text": "<b>Call</b> first"})

        assert OrderNote.objects.get(order=order).text == "<b>Call</b> first"


class TestExport:
    def test_holds_no_address_and_no_token(self, browser: Client) -> None:
        order = make_guest_order(email="=cmd@example.com")
        form: Any = browser.get(f"{LIST}export/").context["form"]
        fields = {name: "on" for name, field in form.fields.items() if getattr(field, "is_selectable_field", False)}

        response = browser.post(f"{LIST}export/", fields | {"format": "0", "resource": "0"})

        text = response.content.decode()
        assert order.number in text
        assert "'=cmd@example.com" in text
        assert order.guest_token not in text
        assert "St James" not in text


class TestList:
    def test_finds_a_whole_number_or_address_before_skus(self, browser: Client) -> None:
        stock = make_stock(on_hand=5)
        order, guest = make_order((stock, 1)), make_guest_order(email="ada@example.com")

        found = [
            [row.pk for row in browser.get(LIST, {"q": q}).context["cl"].result_list]
            for q in (order.number, "ADA@example.com", stock.variant.sku, "nothing")
        ]

        assert found == [[order.pk], [guest.pk], [order.pk], []]
