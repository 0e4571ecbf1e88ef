from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.domain import Role
from accounts.models import User
from accounts.tests.factories import make_user
from inventory.tests.factories import make_stock
from markets.tests.factories import make_market
from orders.domain import DraftStatus
from orders.models import DraftOrder, Order, OrderEdit, PaymentLink
from orders.tests.drafting import item, make_draft, place_draft
from orders.tests.factories import ADDRESS, make_order

DRAFTS = "/admin/orders/draftorder/"
SHIP_TO = {f"ship_{name}": value for name, value in ADDRESS.as_dict().items()}
CONFIRMED = {"_confirmed": "yes"}


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend="accounts.authentication.EmailBackend")
    return browser


@pytest.fixture
def browser(db: None) -> Client:
    boss = make_user(is_staff=True)
    boss.user_permissions.set(Permission.objects.all())
    return browser_of(boss)


def page(answer: Any) -> str:
    content: str = answer.content.decode()
    return content


class TestDrafts:
    def test_are_written_with_lines_and_an_address(self, browser: Client) -> None:
        market, stock = make_market(), make_stock(on_hand=9, price_minor=1000)
        said = {"market": market.pk, "email": "ada@example.com", "items": f"{stock.variant.sku} x 2 @ 8.50\n"}

        answer = browser.post(f"{DRAFTS}add/", said | SHIP_TO)

        draft = DraftOrder.objects.get()
        assert answer.status_code == 302, page(answer)
        assert (draft.items[0]["quantity"], draft.items[0]["unit_price_minor"]) == (2, 850)
        assert draft.shipping_address == ADDRESS.as_dict()
        shown = page(browser.get(f"{DRAFTS}{draft.pk}/change/"))
        assert f"{stock.variant.sku} x 2 @ 8.50" in shown
        assert "17.00" in shown

    def test_take_a_price_of_nothing_as_agreed(self, browser: Client) -> None:
        market, stock = make_market(), make_stock(on_hand=9, price_minor=1000)

        browser.post(f"{DRAFTS}add/", {"market": market.pk, "items": f"{stock.variant.sku} x 2 @ 0"})

        assert DraftOrder.objects.get().items[0]["unit_price_minor"] == 0

    def test_change_only_what_was_changed(self, browser: Client) -> None:
        stock = make_stock(on_hand=9)
        draft = make_draft(item(stock, 2), note="Ring twice", billing_address=ADDRESS)
        said = {"email": draft.email, "items": f"{stock.variant.sku} x 3", "note": "Ring twice"}

        answer = browser.post(f"{DRAFTS}{draft.pk}/change/", said | SHIP_TO)

        draft.refresh_from_db()
        assert answer.status_code == 302, page(answer)
        assert (draft.items[0]["quantity"], draft.note) == (3, "Ring twice")
        assert draft.billing_address == ADDRESS.as_dict()

    @pytest.mark.parametrize("lines", ["MUG", "MUG x 0", "MUG x 1 @ nine", "NOPE x 1"])
    def test_say_what_does_not_read_like_an_item(self, browser: Client, lines: str) -> None:
        market = make_market()

        answer = browser.post(f"{DRAFTS}add/", {"market": market.pk, "items": lines})

        assert answer.status_code == 200
        assert not DraftOrder.objects.exists()

    def test_say_what_is_wrong_with_an_address(self, browser: Client) -> None:
        market = make_market()

        answer = browser.post(f"{DRAFTS}add/", {"market": market.pk, **SHIP_TO, "ship_country": "XX"})

        assert answer.status_code == 200
        assert not DraftOrder.objects.exists()

    def test_are_placed_by_a_button(self, browser: Client) -> None:
        draft = make_draft(item(make_stock()))

        browser.post(f"{DRAFTS}{draft.pk}/place/", CONFIRMED)

        draft.refresh_from_db()
        assert draft.order == Order.objects.get()
        assert browser.get(f"{DRAFTS}{draft.pk}/change/").status_code == 200
        assert browser.post(f"{DRAFTS}{draft.pk}/change/", {"note": "Late"}).status_code == 403

    def test_are_given_up_by_a_button(self, browser: Client) -> None:
        draft = make_draft(item(make_stock()))

        browser.post(f"{DRAFTS}{draft.pk}/give_up/", CONFIRMED)

        draft.refresh_from_db()
        assert draft.status == DraftStatus.CANCELLED.value

    def test_are_only_read_by_customer_support(self, browser: Client) -> None:
        draft = make_draft(item(make_stock()))
        support = browser_of(make_user(roles=[Role.CUSTOMER_SUPPORT]))

        shown = support.get(f"{DRAFTS}{draft.pk}/change/")
        refused = [support.post(f"{DRAFTS}{draft.pk}/{act}/", CONFIRMED).status_code for act in ("place", "give_up")]

        assert shown.status_code == 200
        assert refused == [403, 403]
        assert not Order.objects.exists()


class TestOrder:
    def test_is_edited_while_it_is_not_paid(self, browser: Client) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 1))
        url = f"/admin/orders/order/{order.pk}/edit_order/"
        form = browser.get(url).context["form"]
        said = {**form.initial, "items": f"{stock.variant.sku} x 2", "reason": "Rang", **CONFIRMED}

        browser.post(url, said)
        stale = browser.post(url, said | {"items": f"{stock.variant.sku} x 5"})

        order.refresh_from_db()
        edit = OrderEdit.objects.get()
        assert (order.total_minor, edit.reason) == (2000, "Rang")
        assert edit.changes[1:] == [{"what": "total"}]
        assert "changed in the meantime" in page(stale)

    def test_shows_its_payment_link(self, browser: Client) -> None:
        order = place_draft(make_draft(item(make_stock())), at=timezone.now())

        answer = browser.post(f"/admin/orders/order/{order.pk}/payment_link/", CONFIRMED, follow=True)

        assert f"/pay/{PaymentLink.objects.get().token}" in page(answer)
