from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.domain import Role
from accounts.tests.factories import make_group, make_user
from markets.tests.factories import make_market
from products.models import ListPrice, PriceList, PricePoint
from products.tests.factories import make_price_list, make_product

pytestmark = pytest.mark.django_db
LISTS = "/admin/products/pricelist/"


def browser_of(role: Role) -> Client:
    browser = Client()
    browser.force_login(make_user(roles=[role]), backend="accounts.authentication.EmailBackend")
    return browser


@pytest.fixture
def browser() -> Client:
    make_market()
    return browser_of(Role.CATALOGUE_MANAGER)


def said(**fields: Any) -> dict[str, Any]:
    return {"code": "sale", "name": "Sale", "currency": "GBP", "priority": "0", "is_active": "on"} | fields


class TestAPriceList:
    def test_is_made_and_changed_by_the_form(self, browser: Client) -> None:
        group = make_group()

        browser.post(f"{LISTS}add/", said(group=str(group.pk)))
        row = PriceList.objects.get()
        assert (row.group_id, row.is_shown) == (group.pk, True)

        browser.post(f"{LISTS}{row.pk}/change/", {"name": "Sale", "priority": "7"})
        row.refresh_from_db()
        assert (row.group_id, row.priority, row.is_active, row.is_shown) == (None, 7, False, False)

    def test_says_in_the_form_what_is_refused(self, browser: Client) -> None:
        there = make_market("de", currency="EUR", countries=["DE"])

        response = browser.post(f"{LISTS}add/", said(market=str(there.pk)))

        assert "The market has another currency." in response.content.decode()
        assert not PriceList.objects.exists()

    def test_gets_and_loses_a_price(self, browser: Client) -> None:
        make_product(sku="A")
        row = make_price_list()

        browser.post(f"{LISTS}{row.pk}/set_price/", {"_confirmed": "1", "sku": "A", "min_quantity": "5", "price": "9"})
        assert ListPrice.objects.get().amount_minor == 900
        assert "9.00 GBP" in browser.get("/admin/products/listprice/").content.decode()

        browser.post(f"{LISTS}{row.pk}/set_price/", {"_confirmed": "1", "sku": "A", "min_quantity": "5", "price": ""})
        assert not ListPrice.objects.exists()

    def test_is_deleted_when_confirmed(self, browser: Client) -> None:
        row = make_price_list()

        assert browser.get(f"{LISTS}{row.pk}/remove/").status_code == 200
        assert PriceList.objects.exists()
        browser.post(f"{LISTS}{row.pk}/remove/", {"_confirmed": "1"})

        assert not PriceList.objects.exists()

    def test_s02_is_the_catalogue_managers_alone(self) -> None:
        row = make_price_list()
        support = browser_of(Role.CUSTOMER_SUPPORT)

        for url in (LISTS, f"{LISTS}add/", f"{LISTS}{row.pk}/set_price/", f"{LISTS}{row.pk}/remove/"):
            assert support.post(url, {"_confirmed": "1"}).status_code == 403

        assert PriceList.objects.exists()


class TestTheHistory:
    def test_is_shown_and_not_written(self, browser: Client) -> None:
        variant = make_product(sku="A").variants.get()
        point = PricePoint.objects.create(
            variant=variant, currency="GBP", amount_minor=1250, is_reduced=False, from_at=variant.created_at
        )

        assert "12.50 GBP" in browser.get("/admin/products/pricepoint/").content.decode()
        assert browser.get(f"/admin/products/pricepoint/{point.pk}/change/").status_code == 200
        assert browser.get("/admin/products/pricepoint/add/").status_code == 403
