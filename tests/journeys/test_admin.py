"""The back office as a whole: what its pages cost, what they never do, and who gets in."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.tests.factories import make_user
from markets.tests.factories import make_market
from products.models import Product
from products.tests.factories import make_product
from tests.journeys.back_office import (
    PAGES,
    SEARCHES,
    XSS,
    fill_shop,
    pages_of,
    statements,
    url_of,
)


class TestEveryPage:
    @pytest.mark.django_db
    def test_costs_the_same_whatever_the_number_of_rows(self, boss: Any, browser: Client) -> None:
        costs: dict[str, list[int]] = {}
        for rounds in (1, 4):
            fill_shop(boss, rounds)
            browser.get("/admin/")
            costs.setdefault("overview", []).append(statements(lambda: browser.get("/admin/")))
            for model in PAGES:
                for name, url in pages_of(model):
                    browser.get(url)
                    costs.setdefault(f"{model._meta.label} {name}", []).append(
                        statements(lambda url=url: browser.get(url))
                    )

        grown = {page: counts for page, counts in costs.items() if counts[-1] > counts[0]}
        assert grown == {}
        assert max(counts[-1] for counts in costs.values()) <= 30

    @pytest.mark.django_db
    def test_a24_shows_what_strangers_wrote_as_text(self, boss: Any, browser: Client) -> None:
        fill_shop(boss, 2)

        for model in PAGES:
            for name, url in pages_of(model):
                page = browser.get(url).content.decode()

                assert XSS not in page, (model, name)
                assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", page), (model, name)

    @pytest.mark.django_db
    def test_loads_nothing_from_elsewhere_and_says_so_to_the_browser(self, boss: Any, browser: Client) -> None:
        fill_shop(boss, 1)

        for model in PAGES:
            response = browser.get(url_of(model, "changelist"))
            page = response.content.decode()

            assert not re.search(r'(?:src|<link[^>]*href)="(?:https?:)?//', page), model
            policy = response.headers["Content-Security-Policy"]
            assert "script-src 'self' 'unsafe-eval';" in policy
            assert "default-src 'none'" in policy

    @pytest.mark.django_db
    @pytest.mark.parametrize("model", PAGES, ids=lambda model: model._meta.label)
    def test_answers_strange_addresses_without_breaking(self, boss: Any, browser: Client, model: Any) -> None:
        for search in SEARCHES:
            assert browser.get(url_of(model, "changelist"), {"q": search}).status_code == 200
        for key in ("nonsense", "00000000-0000-7000-8000-000000000000", "9" * 40, "%00"):
            assert browser.get(f"{url_of(model, 'changelist')}{key}/change/").status_code in (302, 404)
        for query in ({"o": "99"}, {"p": "x"}, {"no_such__field": "1"}, {"e": "1"}):
            assert browser.get(url_of(model, "changelist"), query).status_code in (200, 302)


class TestSignIn:
    @pytest.mark.django_db
    def test_makes_who_fails_too_often_wait(self) -> None:
        user = make_user(is_superuser=True)
        browser = Client()
        for _ in range(5):
            browser.post("/admin/login/", {"username": user.email, "password": "wrong password"})

        response = browser.post("/admin/login/", {"username": user.email, "password": "correct horse battery"})

        assert "Too many attempts" in response.content.decode()
        assert "_auth_user_id" not in browser.session

    @pytest.mark.django_db
    def test_lets_staff_in_and_customers_not(self) -> None:
        staff, customer = make_user(is_superuser=True), make_user()

        inside, outside = Client(), Client()
        landed = inside.post("/admin/login/", {"username": staff.email, "password": "correct horse battery"})
        outside.post("/admin/login/", {"username": customer.email, "password": "correct horse battery"})

        assert landed["Location"] == "/admin/"
        assert inside.get("/admin/").status_code == 200
        assert outside.get("/admin/").status_code == 302

    @pytest.mark.django_db
    def test_needs_the_forms_own_token_for_every_write(self, boss: Any) -> None:
        product = make_product("Chair")
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(boss, backend="accounts.authentication.EmailBackend")

        for url in (
            url_of(Product, "change", product.pk),
            url_of(Product, "changelist"),
            f"/admin/products/product/{product.pk}/remove/",
        ):
            assert browser.post(url, {"_confirmed": "yes"}, follow=False).status_code == 403

        product.refresh_from_db()
        assert product.deleted_at is None


class TestMarkets:
    FORM = {"name": "Germany", "countries": "DE, AT", "language": "de", "prices_include_tax": "on", "is_active": "on"}

    @pytest.mark.django_db
    def test_say_from_where_is_sold_and_where_tax_is_rounded(self, browser: Client) -> None:
        market = make_market("de", currency="EUR", countries=["DE", "AT"])
        page = url_of(type(market), "change", market.pk)

        saved = browser.post(page, {**self.FORM, "home_country": "AT", "tax_rounding": "total"})
        refused = browser.post(page, {**self.FORM, "home_country": "ZZ", "tax_rounding": "line"})

        market.refresh_from_db()
        assert (saved.status_code, refused.status_code) == (302, 200)
        assert (market.home_country, market.tax_rounding) == ("AT", "total")


def test_no_registered_table_is_forgotten() -> None:
    assert {model._meta.label for model in PAGES} >= {
        "accounts.User", "auth.Group", "products.Category", "products.Product", "inventory.Stock", "inventory.Movement",
        "orders.Order", "notifications.Notification", "notifications.Mail", "core.OutboxEvent", "core.Delivery",
        "markets.Market", "inventory.Place", "payments.LedgerEntry", "carts.Cart",
        "orders.Invoice", "orders.Seller", "pricing.ShippingZone", "pricing.ShippingMethod", "pricing.TaxRate",
    }  # fmt: skip
