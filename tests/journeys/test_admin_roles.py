"""The back office as each role finds it: what they see, what they may do, and where links lead."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from accounts.domain import Role
from accounts.tests.factories import make_user
from inventory.tests.factories import make_stock
from markets.tests.factories import make_market
from orders.tests.factories import make_guest_order
from tests.journeys.back_office import (
    PAGES,
    actions_of,
    browser_of,
    everything,
    fill_shop,
    url_of,
)

ROLE_SEES = {
    Role.CUSTOMER_SUPPORT: {"accounts.User", "carts.Cart", "orders.Order", "orders.Fulfilment",
                            "orders.DraftOrder", "orders.Return", "orders.Withdrawal",
                            "products.Category", "products.Product",
                            "inventory.Stock", "notifications.Notification", "notifications.Mail",
                            "notifications.Suppression"},
    Role.CATALOGUE_MANAGER: {"products.Category", "products.Product", "inventory.Stock", "inventory.Movement",
                             "inventory.Reservation", "inventory.Place", "markets.Market", "promotions.Promotion",
                             "promotions.Coupon", "promotions.PromotionUse", "products.PriceList",
                             "products.ListPrice", "products.PricePoint", "accounts.CustomerGroup"},
    Role.ORDER_MANAGER: {"accounts.User", "accounts.CustomerGroup", "carts.Cart", "orders.Order", "orders.Fulfilment",
                         "orders.DraftOrder", "inventory.Place", "inventory.Stock", "inventory.Movement",
                         "inventory.Reservation",
                         "payments.LedgerEntry", "payments.Payment", "payments.Balance", "payments.Refund",
                         "payments.SavedMethod",
                         "products.Category", "products.Product",
                         "markets.Market", "pricing.ShippingZone", "pricing.ShippingMethod", "pricing.TaxRate",
                         "orders.Return", "orders.Withdrawal", "orders.Invoice", "orders.Seller",
                         "payments.Settlement", "payments.SettlementLine"},
    Role.ADMINISTRATOR: {model._meta.label for model in PAGES},
}  # fmt: skip


# What a role may do beside reading and its forms. Everything, for administrators.
MAY_ACT = {
    Role.CUSTOMER_SUPPORT: {
        *(f"orders.Return.{act}" for act in ("approve", "reject", "receive", "settle", "call_off")),
        "orders.Order.add_note", "orders.Fulfilment.packing_slip", "products.Product.show_stock",
        "notifications.Suppression.lift", "notifications.Suppression.lift_chosen",
    },
    Role.CATALOGUE_MANAGER: {
        *(f"products.Product.{act}" for act in ("activate", "deactivate", "change_prices", "set_price")),
        *(f"products.Product.{act}" for act in ("show_stock", "remove", "restore")),
        *(f"products.PriceList.{act}" for act in ("show_prices", "set_price", "remove")),
        "products.Category.remove", "inventory.Stock.count", "inventory.Stock.adjust_chosen",
        *(f"promotions.Promotion.{act}" for act in ("add_coupon", "add_batch", "show_coupons", "end")),
    },
    Role.ORDER_MANAGER: {
        *(f"orders.Order.{act}" for act in ("mark_paid", "ship", "mark_delivered", "cancel", "refund", "add_note")),
        "orders.Order.edit_order", "orders.Order.payment_link", "orders.DraftOrder.place", "orders.DraftOrder.give_up",
        *(f"orders.Fulfilment.{act}" for act in ("mark_arrived", "correct", "packing_slip")),
        *(f"payments.Balance.{act}" for act in ("block", "unblock", "move_end")),
        "payments.Refund.confirm", "payments.Refund.retry",
        *(f"orders.Return.{act}" for act in ("approve", "reject", "receive", "settle", "call_off")),
        "orders.Order.move_chosen", "orders.Invoice.pdf", "orders.Invoice.xml",
        "payments.Settlement.show_lines", "payments.Settlement.differences",
        "pricing.ShippingZone.remove", "pricing.ShippingMethod.remove", "pricing.TaxRate.remove",
        "products.Product.show_stock",
    },
}  # fmt: skip
# Enough for every action's form.
SAID = {
    "_confirmed": "yes", "reason": "x", "to": "cancelled", "text": "x", "difference": "1", "quantity": "3",
    "expected": "5", "percent": "5", "password": "another long password", "again": "another long password",
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

    @pytest.mark.django_db
    @pytest.mark.parametrize("role", list(MAY_ACT), ids=lambda role: role.value)
    def test_s02_let_no_role_act_beyond_its_own(self, boss: Any, role: Role) -> None:
        fill_shop(boss, 1)
        browser = browser_of(make_user(roles=[role]))
        before = everything()

        for model, act in actions_of("actions_detail"):
            if f"{model._meta.label}.{act}" not in MAY_ACT[role]:
                row = getattr(model, "all_objects", model._default_manager).order_by("-pk").first()
                assert browser.post(f"{url_of(model, 'changelist')}{row.pk}/{act}/", SAID).status_code == 403, act
        for model, act in actions_of("actions"):
            if f"{model._meta.label}.{act}" not in MAY_ACT[role]:
                rows = [str(row.pk) for row in model._default_manager.all()]
                browser.post(url_of(model, "changelist"), SAID | {"action": act, "_selected_action": rows})

        assert everything() == before

    @pytest.mark.django_db
    def test_s02_name_every_action_in_the_table_of_roles(self) -> None:
        acts = {f"{model._meta.label}.{act}" for model, act in actions_of("actions_detail") + actions_of("actions")}

        assert set().union(*MAY_ACT.values()) <= acts


def _request(browser: Client, role: Role) -> Any:
    response = browser.get("/admin/")
    return response.wsgi_request


class TestOverview:
    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("role", "titles"),
        [
            (Role.CUSTOMER_SUPPORT, {"Orders to be paid", "Orders to ship", "Variants sold out", "Mails that failed"}),
            (Role.CATALOGUE_MANAGER, {"Variants sold out"}),
            (Role.ORDER_MANAGER, {"Orders to be paid", "Orders to ship", "Variants sold out"}),
        ],
        ids=lambda value: getattr(value, "value", ""),
    )
    def test_counts_what_waits_for_each_role_and_nothing_else(self, boss: Any, role: Role, titles: set[str]) -> None:
        fill_shop(boss, 1)

        response = browser_of(make_user(roles=[role])).get("/admin/")

        assert {tile["title"] for tile in response.context["tiles"]} == titles
        assert ("latest" in response.context) == ("Orders to ship" in titles)

    @pytest.mark.django_db
    def test_leads_to_as_many_rows_as_it_counts(self, boss: Any, browser: Client) -> None:
        fill_shop(boss, 2)
        make_stock(on_hand=0)

        for tile in browser.get("/admin/").context["tiles"]:
            listed = browser.get(tile["url"]).context["cl"]

            assert tile["count"] == listed.result_count, tile["title"]


class TestLinks:
    @pytest.mark.django_db
    def test_lead_from_a_product_to_the_stock_of_its_variants(self, boss: Any, browser: Client) -> None:
        stock = make_stock(on_hand=5)
        make_stock(on_hand=5)

        response = browser.get(f"/admin/products/product/{stock.variant.product_id}/show_stock/", follow=True)

        assert response.status_code == 200
        assert [row.pk for row in response.context["cl"].result_list] == [stock.pk]

    @pytest.mark.django_db
    def test_lead_from_a_reservation_to_its_order(self, boss: Any, browser: Client) -> None:
        order = make_guest_order()

        page = browser.get("/admin/inventory/reservation/").content.decode()

        assert f'href="/admin/orders/order/{order.pk}/change/"' in page

    @pytest.mark.django_db
    def test_keep_in_a_rows_history_what_its_buttons_did(self, boss: Any, browser: Client) -> None:
        order = make_guest_order()

        browser.post(f"/admin/orders/order/{order.pk}/mark_paid/", {"_confirmed": "yes"})

        assert f"{order.number} is paid." in browser.get(url_of(type(order), "history", order.pk)).content.decode()
