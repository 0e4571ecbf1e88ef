from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.domain import Role
from inventory.tests.factories import make_stock
from orders.models import Fulfilment, FulfilmentLine, Order
from orders.tests.parcels import fulfil, line_ids, make_paid_order, status_of
from orders.tests.test_admin import LIST, YES, browser_of
from payments.models import Refund

PARCELS = "/admin/orders/fulfilment/"


@pytest.fixture
def browser(db: None) -> Client:
    return browser_of(Role.ORDER_MANAGER)


def units(order: Order, *counts: int) -> dict[str, str]:
    """Return what the form holds for the lines, in their order."""
    return {f"units_{line.hex}": str(count) for line, count in zip(line_ids(order), counts, strict=True)}


def page_key(browser: Client, url: str) -> dict[str, str]:
    """Return what a page sends along that was just opened."""
    found = re.search(r'name="(_page_key)" value="(\w+)"', browser.get(url).content.decode())
    assert found is not None
    return {found[1]: found[2]}


def packed() -> list[int]:
    return list(FulfilmentLine.objects.order_by("pk").values_list("quantity", flat=True))


class TestShip:
    def test_asks_how_many_units_of_what_is_owed(self, browser: Client) -> None:
        order = make_paid_order((make_stock(on_hand=5), 3))
        fulfil(order, {line_ids(order)[0]: 1})

        page = browser.get(f"{LIST}{order.pk}/ship/").content.decode()

        assert f'name="units_{line_ids(order)[0].hex}" value="2"' in page

    def test_sends_a_part_and_once(self, browser: Client) -> None:
        order = make_paid_order((make_stock(on_hand=5), 3), (make_stock(on_hand=5), 2))
        said = YES | units(order, 1, 0) | {"carrier": "UPS", "tracking_number": "1Z", "request_key": "page-1"}

        for _ in range(2):
            browser.post(f"{LIST}{order.pk}/ship/", said)

        assert packed() == [1]
        assert status_of(order) == "paid"

    def test_refuses_nothing_at_all_and_links_that_are_none(self, browser: Client) -> None:
        order = make_paid_order((make_stock(on_hand=5), 3))

        for said in (units(order, 0), units(order, 1) | {"tracking_url": "javascript:alert(1)"}, units(order, 9)):
            page = browser.post(f"{LIST}{order.pk}/ship/", YES | said)

            assert page.status_code == 200

        assert not Fulfilment.objects.exists()


class TestCancel:
    def test_cancels_a_part(self, browser: Client) -> None:
        order = make_paid_order((make_stock(on_hand=5), 3), (make_stock(on_hand=5), 2))

        browser.post(f"{LIST}{order.pk}/cancel/", YES | units(order, 2, 0) | {"reason": "Sold out."})

        assert list(order.lines.order_by("position").values_list("cancelled", flat=True)) == [2, 0]
        assert status_of(order) == "paid"

    def test_cancels_a_part_once_however_often_the_page_is_sent(self, browser: Client) -> None:
        order = make_paid_order((make_stock(on_hand=5, price_minor=1000), 3))
        url = f"{LIST}{order.pk}/cancel/"
        said = YES | units(order, 1) | page_key(browser, url) | {"reason": "Sold out."}

        for _ in range(2):
            browser.post(url, said)

        assert order.lines.get().cancelled == 1
        assert list(Refund.objects.values_list("amount_minor", flat=True)) == [1000]

        # Another page is another wish.
        browser.post(url, said | page_key(browser, url))
        assert order.lines.get().cancelled == 2

    def test_cancels_all_that_is_owed_where_no_number_is_changed(self, browser: Client) -> None:
        order = make_paid_order((make_stock(on_hand=5), 3))

        browser.post(f"{LIST}{order.pk}/cancel/", YES | units(order, 3) | {"reason": "Sold out."})

        assert status_of(order) == "cancelled"


class TestParcels:
    def test_are_listed_and_shown_with_what_lies_in_them(self, browser: Client) -> None:
        order = make_paid_order((make_stock(on_hand=5), 3))
        parcel = fulfil(order, {line_ids(order)[0]: 1}, carrier="UPS <b>", tracking_number="1Z")

        page = browser.get(f"{PARCELS}{parcel.pk}/change/").content.decode()
        listed = browser.get(PARCELS).content.decode()
        of_order = browser.get(f"{LIST}{order.pk}/change/").content.decode()

        assert order.lines.get().sku in page
        assert "https://www.ups.com/track?tracknum=1Z" in page
        assert "UPS &lt;b&gt;" in listed
        assert f"{PARCELS}{parcel.pk}/change/" in of_order

    def test_are_marked_as_arrived_and_corrected(self, browser: Client) -> None:
        parcel = fulfil(make_paid_order(), carrier="UPS")

        browser.post(f"{PARCELS}{parcel.pk}/correct/", YES | {"carrier": "DHL", "tracking_number": "7"})
        browser.post(f"{PARCELS}{parcel.pk}/mark_arrived/", YES)

        parcel.refresh_from_db()
        assert (parcel.carrier, parcel.tracking_number) == ("DHL", "7")
        assert parcel.delivered_at is not None
        assert status_of(parcel.order) == "delivered"

    def test_have_a_packing_slip(self, browser: Client) -> None:
        parcel = fulfil(make_paid_order())

        slip = browser.get(f"{PARCELS}{parcel.pk}/packing_slip/")

        assert slip["Content-Type"] == "application/pdf"
        assert slip.content.startswith(b"%PDF")

    def test_are_read_only_for_support(self, db: None) -> None:
        parcel = fulfil(make_paid_order())
        browser = browser_of(Role.CUSTOMER_SUPPORT)

        assert browser.get(f"{PARCELS}{parcel.pk}/change/").status_code == 200
        assert browser.post(f"{PARCELS}{parcel.pk}/mark_arrived/", YES).status_code == 403

        parcel.refresh_from_db()
        assert parcel.delivered_at is None
