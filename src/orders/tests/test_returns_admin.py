"""Returns and withdrawals in the back office."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.domain import Role
from accounts.tests.factories import make_user
from inventory.tests.factories import make_stock
from orders.models import Return
from orders.services import Asker, confirm_withdrawal
from orders.tests.gateway import agree
from orders.tests.returned import (
    make_approved_return,
    make_picture,
    make_received_return,
    make_return,
    make_sent_order,
    make_withdrawal,
)
from payments.models import Refund

LIST = "/admin/orders/return/"
YES = {"_confirmed": "yes"}

pytestmark = pytest.mark.django_db


def browser_of(role: Role) -> Client:
    browser = Client()
    browser.force_login(make_user(roles=[role]), backend="accounts.authentication.EmailBackend")
    return browser


@pytest.fixture
def browser(db: None) -> Client:
    return browser_of(Role.CUSTOMER_SUPPORT)


def offered(browser: Client, back: Return) -> set[str]:
    context = browser.get(f"{LIST}{back.pk}/change/").context
    return {each["title"] for each in context["actions_detail"]}


def press(browser: Client, back: Return, act: str, **said: Any) -> int:
    return browser.post(f"{LIST}{back.pk}/{act}/", YES | said).status_code


class TestReturnAdmin:
    def test_offers_what_the_table_of_moves_allows(self, browser: Client) -> None:
        order = make_sent_order((make_stock(), 3))

        requested, approved = offered(browser, make_return(order)), offered(browser, make_approved_return(order))
        received = offered(browser, make_received_return(order))

        assert requested == {"Approve", "Reject", "Call off"}
        assert approved == {"Receive", "Reject", "Call off"}
        assert received == {"Settle"}

    def test_takes_a_return_to_its_end(self, browser: Client) -> None:
        stock = make_stock(on_hand=5, price_minor=1250)
        back = make_return(make_sent_order((stock, 3)), 3)
        line = back.lines.get().pk

        press(browser, back, "approve", answer="To 1 Dock Road.")
        press(browser, back, "receive", **{f"units_{line}": "2"})
        found = {f"accepted_{line}": "2", f"restocked_{line}": "1", f"condition_{line}": "One is chipped."}
        press(browser, back, "settle", deduction="5.00", **found)

        back.refresh_from_db()
        stock.refresh_from_db()
        row = back.lines.get()
        assert (back.status, back.answer, back.deduction_minor) == ("completed", "To 1 Dock Road.", 500)
        assert (row.received, row.accepted, row.restocked, row.condition) == (2, 2, 1, "One is chipped.")
        assert Refund.objects.get().amount_minor == 2000
        assert stock.on_hand == 3
        agree()

    def test_says_in_words_what_is_refused(self, browser: Client) -> None:
        back = make_received_return(make_sent_order())

        response = browser.post(f"{LIST}{back.pk}/settle/", YES | {"deduction": "99999"})

        assert "more than the goods are worth" in response.content.decode()
        assert not Refund.objects.exists()

    def test_calls_a_return_off(self, browser: Client) -> None:
        order = make_sent_order()
        back = make_return(order)

        press(browser, back, "call_off")

        back.refresh_from_db()
        assert back.status == "cancelled"
        assert order.lines.get().returning == 0

    @pytest.mark.parametrize("act", ["approve", "reject", "receive", "settle", "call_off"])
    def test_s02_is_for_those_who_handle_returns(self, act: str) -> None:
        back = make_return(make_sent_order())
        looker = Client()
        looker.force_login(
            make_user(permissions=["orders.view_return"]), backend="accounts.authentication.EmailBackend"
        )

        assert press(looker, back, act, answer="x") == 403

        back.refresh_from_db()
        assert back.status == "requested"

    def test_shows_pictures_to_those_who_see_returns(self, browser: Client) -> None:
        back = make_return(make_sent_order())
        picture = make_picture(back)
        url = f"{LIST}{back.pk}/pictures/{picture.pk}"

        page = browser.get(f"{LIST}{back.pk}/change/").content.decode()
        shown = browser.get(url)

        assert url in page
        assert (shown.status_code, shown["Content-Type"]) == (200, "image/jpeg")
        assert browser_of(Role.CATALOGUE_MANAGER).get(url).status_code in (403, 404)
        assert Client().get(url).status_code == 302

    def test_s01_shows_no_picture_below_another_return(self, browser: Client) -> None:
        order = make_sent_order((make_stock(), 2))
        back, other = make_return(order), make_return(order)

        assert browser.get(f"{LIST}{other.pk}/pictures/{make_picture(back).pk}").status_code == 404


class TestWithdrawalAdmin:
    def test_shows_who_withdrew_and_leads_to_the_return(self, browser: Client) -> None:
        order = make_sent_order()
        withdrawal = make_withdrawal(order)
        confirm_withdrawal(withdrawal_id=withdrawal.pk, asker=Asker(viewer=order.customer), at=withdrawal.declared_at)

        page = browser.get(f"/admin/orders/withdrawal/{withdrawal.pk}/change/").content.decode()

        assert "Ada Lovelace" in page
        assert str(Return.objects.get().pk) in page
