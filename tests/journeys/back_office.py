"""A shop full of everything for the tests of the back office, and the pages that they open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

import config.back_office  # noqa: F401 - registers the pages
from accounts.tests.factories import make_address, make_group, make_user
from carts.tests.factories import make_cart
from core.ids import new_id
from core.tests.factories import make_audit_entry, make_dead_letter, make_delivery
from inventory.tests.factories import NOON, make_stock
from markets.tests.factories import make_market
from notifications.tests.factories import make_mail, make_notification, make_suppression
from orders.domain import OrderStatus
from orders.services import add_note, move_order
from orders.tests.drafting import item, make_draft, place_draft
from orders.tests.factories import make_guest_order, make_order
from orders.tests.gateway import deliver, make_refund_by_hand, pay, webhook_bodies
from orders.tests.parcels import make_parcel
from orders.tests.returned import make_picture, make_return, make_sent_order, make_withdrawal
from orders.tests.sellers import make_invoice, make_seller
from payments.tests.factories import make_gift_card, make_saved_method, make_store_credit
from payments.tests.files import settlement_file, take
from pricing.tests.factories import make_method, make_tax_rate, make_zone
from products.models import PricePoint, Product, ProductImage
from products.tests.factories import make_category, make_price_list, make_product, make_variant
from promotions.tests.factories import make_coupon, make_promotion, make_use

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
            make_parcel((make_stock(on_hand=5), 2), customer=customer)
        fill_returns(customer, number)
        for _ in range(number + 1):
            add_note(order_id=order.pk, author=boss, text=XSS)
        make_guest_order()
        place_draft(make_draft(item(make_stock()), name=XSS))
        make_draft(*(item(make_stock()) for _ in range(number + 1)), name=XSS, note=XSS)
        make_invoice(make_order((make_stock(), 1), customer=customer))
        make_saved_method(customer, brand=XSS)
        pay(make_order((make_stock(on_hand=1), 1), customer=customer), "declined")
        deliver(webhook_bodies()[-1])
        make_gift_card(5000, note=XSS, recipient="ada@example.com")
        make_refund_by_hand(make_order((make_stock(on_hand=1), 1), customer=customer), boss)
        for _ in range(number + 1):
            make_store_credit(customer, note=XSS)
        make_notification(customer, title=XSS, body=XSS)
        make_mail(subject=XSS, state="failed", user=customer)
        take(settlement_file(XSS + str(new_id())), "sandbox")
        make_audit_entry()
        make_dead_letter(body=XSS, reason=XSS[:50])
        make_suppression(address=XSS, reason=XSS)
        make_delivery(dead_at=NOON, attempts=12, last_error=XSS)
        zone = make_zone(f"{XSS} {number}-{rounds}", countries=["GB"])
        for each in range(number + 1):
            make_method(zone, f"method-{each}", name=XSS)
        make_tax_rate(name=XSS, tax_class=f"class-{number}-{rounds}")
        promotion = make_promotion(XSS, needs_code=True, tags=[XSS])
        make_use(make_coupon(f"{XSS}{number}-{rounds}", promotion=promotion, batch=XSS))
        group = make_group(f"group-{number}-{rounds}", name=XSS)
        prices = [(make_variant(product), 900) for _ in range(number + 1)]
        for _ in range(number + 1):
            PricePoint.objects.create(
                variant=prices[0][0], currency="GBP", amount_minor=900, is_reduced=False, from_at=NOON
            )
        make_price_list(*prices, code=f"list-{number}-{rounds}", name=XSS, group=group)
        market = make_market(f"m{number}-{rounds}", name=XSS, is_default=False)
        make_seller(market=market.code, name=XSS)
        Group.objects.create(name=f"{XSS} {number}-{rounds}").permissions.set(Permission.objects.all()[: number + 3])


def fill_returns(customer: Any, number: int) -> None:
    """Make a return of so many lines, with as many pictures, and a withdrawal."""
    sent = make_sent_order(*((make_stock(), 2) for _ in range(number + 1)), customer=customer)
    make_withdrawal(sent)
    back = make_return(sent, *[1] * (number + 1))
    for _ in range(number + 1):
        make_picture(back)


def statements(run: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        response = run()
    assert response.status_code == 200, getattr(response, "url", response.status_code)
    return len(captured)


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


def actions_of(kind: str) -> list[tuple[Any, str]]:
    """Return model and name of all buttons of rows (``actions_detail``), or of all actions on lists (``actions``)."""
    return [(model, act) for model in PAGES for act in getattr(admin.site._registry[model], kind) or ()]


def everything() -> dict[str, list[dict[str, Any]]]:
    return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in PAGES}
