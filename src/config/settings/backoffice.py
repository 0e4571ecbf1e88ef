"""How the back office looks, and what stands in its sidebar."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy


def _link(title: str, icon: str, model: str) -> dict[str, Any]:
    app, _, name = model.partition(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": lambda request: request.user.has_perm(f"{app}.view_{name}"),
    }


def _report(title: str, icon: str, page: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{page}"),
        "permission": lambda request: request.user.has_perm(permission),
    }


def _group(title: str, *links: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "separator": True, "items": list(links)}


# Each shows a part of the page (config.status).
SEES_STATUS = ("core.view_delivery", "notifications.view_mail", "payments.view_payment")

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Nexus",
    "SITE_HEADER": "Nexus",
    "SITE_SUBHEADER": "Back office",
    "SITE_SYMBOL": "storefront",
    "SITE_URL": "/docs/",
    "DASHBOARD_CALLBACK": "config.dashboard.fill",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("core/favicon.svg")},
    ],
    "STYLES": [lambda request: static("core/admin.css")],
    "COLORS": {
        "primary": {
            "50": "oklch(98.4% .014 180.7)",
            "100": "oklch(95.3% .051 180.8)",
            "200": "oklch(91% .096 180.4)",
            "300": "oklch(85.5% .138 181.1)",
            "400": "oklch(77.7% .152 181.9)",
            "500": "oklch(62% .12 182.5)",
            "600": "oklch(52% .105 184.7)",
            "700": "oklch(45% .09 186.4)",
            "800": "oklch(39% .075 188.2)",
            "900": "oklch(34% .06 188.4)",
            "950": "oklch(25% .045 192.5)",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": [
            _group(
                "Catalogue",
                _link("Products", "sell", "products.product"),
                _link("Categories", "account_tree", "products.category"),
                _link("Price lists", "price_change", "products.pricelist"),
                _link("Price history", "timeline", "products.pricepoint"),
                _link("Markets", "public", "markets.market"),
            ),
            _group(
                "Stock",
                _link("Stock", "inventory_2", "inventory.stock"),
                _link("Movements", "swap_vert", "inventory.movement"),
                _link("Reservations", "bookmark", "inventory.reservation"),
                _link("Places", "warehouse", "inventory.place"),
            ),
            _group(
                "Orders",
                _link("Orders", "receipt_long", "orders.order"),
                _link("Draft orders", "edit_note", "orders.draftorder"),
                _link("Parcels", "local_shipping", "orders.fulfilment"),
                _link("Returns", "assignment_return", "orders.return"),
                _link("Withdrawals", "undo", "orders.withdrawal"),
                _link("Carts", "shopping_cart", "carts.cart"),
                _link("Invoices", "request_quote", "orders.invoice"),
                _link("Sellers", "store", "orders.seller"),
            ),
            _group(
                "Money",
                _link("Payments", "payments", "payments.payment"),
                _link("Refunds", "currency_exchange", "payments.refund"),
                _link("Gift cards and credit", "card_giftcard", "payments.balance"),
                _link("Saved ways to pay", "credit_card", "payments.savedmethod"),
                _link("Settlements", "fact_check", "payments.settlement"),
                _link("Webhooks of providers", "webhook", "payments.providerevent"),
                _link("Money ledger", "account_balance", "payments.ledgerentry"),
            ),
            _group(
                "Reports",
                _report("Tax", "percent", "orders_invoice_tax_report", "orders.view_invoice"),
                _report("Orders", "bar_chart", "orders_invoice_orders_report", "orders.view_invoice"),
                _report("Payments", "monitoring", "payments_payment_payments_report", "payments.view_ledgerentry"),
            ),
            _group(
                "Promotions",
                _link("Promotions", "redeem", "promotions.promotion"),
                _link("Coupons", "confirmation_number", "promotions.coupon"),
                _link("Uses", "receipt", "promotions.promotionuse"),
            ),
            _group(
                "Shipping and tax",
                _link("Shipping zones", "travel_explore", "pricing.shippingzone"),
                _link("Shipping methods", "local_shipping", "pricing.shippingmethod"),
                _link("Tax rates", "percent", "pricing.taxrate"),
            ),
            _group(
                "People",
                _link("Users", "person", "accounts.user"),
                _link("Customer groups", "groups", "accounts.customergroup"),
                _link("Groups", "badge", "auth.group"),
            ),
            _group(
                "Messages",
                _link("Notifications", "notifications", "notifications.notification"),
                _link("Mail", "mail", "notifications.mail"),
                _link("Suppressed addresses", "unsubscribe", "notifications.suppression"),
            ),
            _group(
                "System",
                {
                    "title": "Status",
                    "icon": "monitor_heart",
                    "link": reverse_lazy("admin:status"),
                    "permission": lambda request: any(request.user.has_perm(name) for name in SEES_STATUS),
                },
                _link("Events", "bolt", "core.outboxevent"),
                _link("Deliveries", "outbox", "core.delivery"),
                _link("Audit log", "policy", "core.auditentry"),
                _link("Messages given up", "report", "core.deadletter"),
            ),
        ],
    },
}
