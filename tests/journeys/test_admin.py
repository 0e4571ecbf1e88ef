"""The back office as a whole: who may open what, at what cost, and what its pages never do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.domain import Role
from accounts.tests.factories import make_address, make_user
from carts.tests.factories import make_cart
from core.tests.factories import make_delivery
from inventory.tests.factories import NOON, make_stock
from markets.tests.factories import make_market
from notifications.tests.factories import make_mail, make_notification
from orders.domain import OrderStatus
from orders.services import add_note, move_order
from orders.tests.factories import make_guest_order, make_order
from products.models import Product, ProductImage
from products.tests.factories import make_category, make_product, make_variant

PAGES = sorted(admin.site._registry, key=lambda model: model._meta.label)
XSS = '<script>alert("x")</script>'
# What a search may be for: words, ids, and what breaks careless code.
SEARCHES = ["chair", "N-ABC-1234", "%_\\", "' OR 1=1 --", "\u202e", "0" * 300]


def url_of(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def browser_of(user: Any) -> Client:
    browser = Client()
    browser.force_login(user, backend="accounts.authentication.EmailBackend")
    return browser


def fill_shop(boss: Any, rounds: int) -> None:
    """Make some of everything; of what a page shows inside a row, more with each round."""
    for number in range(rounds):
        product = make_product(f"{XSS} chair", brand=XSS, tags=[XSS])
        for _ in range(number + 1):
            make_variant(product, options={"Size": XSS})
            ProductImage.objects.create(product=product, file="products/none.png", alt=XSS, width=1, height=1)
        make_category(XSS, parent=make_category(XSS))
        stocks = [make_stock(on_hand=5) for _ in range(number + 1)]
        make_cart(*((stock, 1) for stock in stocks))
        customer = make_user()
        customer.profile.first_name = XSS
        customer.profile.save()
        for _ in range(number + 1):
            make_address(customer, line1=XSS)
        order = make_order(*((stock, 1) for stock in stocks), customer=customer)
        for to in (OrderStatus.PAID, OrderStatus.SHIPPED):
            move_order(order_id=order.pk, to=to, actor=boss, at=NOON, reason=XSS)
        for _ in range(number + 1):
            add_note(order_id=order.pk, author=boss, text=XSS)
        make_guest_order()
        make_notification(customer, title=XSS, body=XSS)
        make_mail(subject=XSS, state="failed", user=customer)
        make_delivery(dead_at=NOON, attempts=12, last_error=XSS)
        make_market(f"m{number}-{rounds}", name=XSS, is_default=False)
        Group.objects.create(name=f"{XSS} {number}-{rounds}").permissions.set(Permission.objects.all()[: number + 3])


@pytest.fixture
def boss(db: None) -> Any:
    make_market()
    return make_user(is_superuser=True, is_staff=True)


@pytest.fixture
def browser(boss: Any) -> Client:
    return browser_of(boss)


def statements(run: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        response = run()
    assert response.status_code == 200, getattr(response, "url", response.status_code)
    return len(captured)


class TestEveryPage:
    @pytest.mark.django_db
    def test_costs_the_same_whatever_the_number_of_rows(self, boss: Any, browser: Client) -> None:
        costs: dict[str, list[int]] = {}
        for rounds in (1, 4):
            fill_shop(boss, rounds)
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
    def test_shows_what_strangers_wrote_as_text(self, boss: Any, browser: Client) -> None:
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


def pages_of(model: Any) -> list[tuple[str, str]]:
    """Return the list, its search, each of its filters, the page of the row with most inside, and the add page."""
    pages = admin.site._registry[model]
    found = [("list", url_of(model, "changelist")), ("search", url_of(model, "changelist") + "?q=a")]
    manager = getattr(model, "all_objects", model._default_manager)
    newest = manager.order_by("-pk").first()
    assert newest is not None, f"nothing of {model} was made"
    found.append(("row", url_of(model, "change", fullest(model, newest).pk)))
    if getattr(pages, "can_add", False):
        found.append(("add", url_of(model, "add")))
    for filtered in pages.list_filter:
        if isinstance(filtered, str) and model._meta.get_field(filtered).choices:
            value = model._meta.get_field(filtered).choices[0][0]
            found.append((f"filter {filtered}", f"{url_of(model, 'changelist')}?{filtered}__exact={value}"))
    return found


def fullest(model: Any, newest: Any) -> Any:
    """Return the row that shows most others: the last of the round that made most of them."""
    if model is Product:
        return Product.objects.filter(name__contains="chair").order_by("-pk")[0]
    if model._meta.label == "orders.Order":
        return model.objects.filter(customer__isnull=False).order_by("-pk")[0]
    if model._meta.label == "accounts.User":
        return model.objects.filter(addresses__isnull=False).order_by("-pk")[0]
    return newest


ROLE_SEES = {
    Role.CUSTOMER_SUPPORT: {"accounts.User", "carts.Cart", "orders.Order", "products.Category", "products.Product",
                            "inventory.Stock", "notifications.Notification", "notifications.Mail"},
    Role.CATALOGUE_MANAGER: {"products.Category", "products.Product", "inventory.Stock", "inventory.Movement",
                             "inventory.Reservation", "inventory.Place", "markets.Market"},
    Role.ORDER_MANAGER: {"accounts.User", "carts.Cart", "orders.Order", "inventory.Place", "inventory.Stock",
                         "inventory.Movement", "inventory.Reservation", "payments.LedgerEntry", "products.Category",
                         "products.Product", "markets.Market"},
    Role.ADMINISTRATOR: {model._meta.label for model in PAGES},
}  # fmt: skip


class TestPermissions:
    @pytest.mark.django_db
    def test_send_nobody_and_customers_to_the_sign_in(self) -> None:
        for browser in (Client(), browser_of(make_user())):
            for model in PAGES:
                response = browser.get(url_of(model, "changelist"))

                assert response.status_code == 302
                assert response["Location"].startswith("/admin/login/")

    @pytest.mark.django_db
    @pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
    def test_let_each_role_open_its_own_tables_and_no_other(self, role: Role) -> None:
        make_market()
        browser = browser_of(make_user(roles=[role]))

        opened = {m._meta.label for m in PAGES if browser.get(url_of(m, "changelist")).status_code == 200}

        assert opened == ROLE_SEES[role]

    @pytest.mark.django_db
    def test_let_only_those_add_who_hold_it(self) -> None:
        make_market()
        for role in Role:
            browser = browser_of(make_user(roles=[role]))
            for model in PAGES:
                expected = admin.site._registry[model].has_add_permission(_request(browser, role))
                assert (browser.get(url_of(model, "add")).status_code == 200) == expected

    @pytest.mark.django_db
    def test_delete_no_row_by_djangos_own_page(self, boss: Any, browser: Client) -> None:
        fill_shop(boss, 1)

        for model in PAGES:
            row = getattr(model, "all_objects", model._default_manager).order_by("-pk").first()
            assert browser.post(url_of(model, "delete", row.pk), {"post": "yes"}).status_code == 403
            assert getattr(model, "all_objects", model._default_manager).filter(pk=row.pk).exists()

    @pytest.mark.django_db
    def test_write_no_row_of_a_table_that_is_only_to_be_read(self, boss: Any, browser: Client) -> None:
        fill_shop(boss, 1)

        for model in PAGES:
            if not admin.site._registry[model].can_change:
                row = model._default_manager.order_by("-pk").first()
                assert browser.post(url_of(model, "change", row.pk), {"status": "paid"}).status_code == 403
                assert browser.post(url_of(model, "add"), {}).status_code == 403


def _request(browser: Client, role: Role) -> Any:
    response = browser.get("/admin/")
    return response.wsgi_request


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
        inside.post("/admin/login/", {"username": staff.email, "password": "correct horse battery"})
        outside.post("/admin/login/", {"username": customer.email, "password": "correct horse battery"})

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


def test_no_registered_table_is_forgotten() -> None:
    assert {model._meta.label for model in PAGES} >= {
        "accounts.User", "auth.Group", "products.Category", "products.Product", "inventory.Stock", "inventory.Movement",
        "orders.Order", "notifications.Notification", "notifications.Mail", "core.OutboxEvent", "core.Delivery",
        "markets.Market", "inventory.Place", "payments.LedgerEntry", "carts.Cart",
    }  # fmt: skip
