"""What each read asks of the database, whatever the number of rows: the numbers stand in ``statements.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.tests.factories import make_address, make_group, make_session, make_user
from core.tests.factories import make_audit_entry, make_delivery
from inventory.tests.factories import make_stock
from markets.tests.factories import make_market
from notifications.tests.factories import make_notification
from orders.services import add_note
from orders.tests.drafting import item, make_draft, place_draft
from orders.tests.factories import make_order
from orders.tests.gateway import make_refund_by_hand, pay
from orders.tests.parcels import make_parcel
from orders.tests.returned import make_picture, make_return, make_sent_order, make_withdrawal
from orders.tests.sellers import make_invoice, make_seller
from payments.tests.factories import make_gift_card, make_saved_method
from payments.tests.files import settlement_file, take
from pricing.tests.factories import make_method, make_tax_rate, make_zone
from products.models import ListPrice, ProductImage
from products.tests.factories import make_category, make_price_list, make_product, make_variant
from products.tests.pictures import picture_bytes
from promotions.tests.factories import make_coupon
from tests.journeys.world import Operation, World, operations, send

TABLE = Path(__file__).with_name("statements.json")
PAGE = 5
MORE = PAGE + 1
# What belongs to one thing, and is less than a page here: rows of others must not count.
OF_ONE = {
    "cart_shipping_methods", "gift_cards_movements", "me_store_credit_movements", "orders_edits_list",
    "orders_fulfilments_list", "orders_invoices_list", "orders_returns_list", "payments_refunds", "reports_orders",
    "reports_payments", "reports_tax", "settlements_lines_list",
}  # fmt: skip


@pytest.fixture
def world(db: None, settings: Settings, tmp_path: Path) -> World:
    settings.THROTTLES = False
    settings.MEDIA_ROOT = tmp_path
    return World()


def reads() -> Iterator[Operation]:
    return (operation for operation in operations() if operation.method == "get")


def fill(world: World, numbers: range) -> None:
    """Make more of everything than a page shows, and more inside of what is looked at."""
    for number in numbers:
        fill_catalogue(world, number)
        fill_people(world, number)
        fill_rules(world, number)
        fill_orders(world, number)


def fill_catalogue(world: World, number: int) -> None:
    product = make_product(f"Lamp {number}", category=world.category)
    make_category(f"Lamps {number}", parent=world.category)
    make_category(f"Tables {number}")
    ProductImage.objects.create(product=world.product, file=ContentFile(picture_bytes(), "more.jpg"), alt="")
    variant = make_variant(product, sku=f"MORE-{number}")
    stock = make_stock(on_hand=9, variant=variant)
    world.cart.items.create(variant_id=stock.variant_id, quantity=1, seen_price_minor=900)
    make_price_list((variant, 900), (world.variant, 3000), code=f"list-{number}", group=make_group(f"group-{number}"))
    ListPrice.objects.create(price_list=world.price_list, variant=variant, amount_minor=900, min_quantity=1)
    make_market(f"m{number}", is_default=False)


def fill_people(world: World, number: int) -> None:
    make_user(f"more{number}@example.com", is_staff=bool(number % 2))
    Group.objects.create(name=f"More {number}")
    make_address(world.customer)
    make_session(world.customer)
    make_notification(world.customer)
    make_saved_method(world.customer)
    make_gift_card(5000)
    make_delivery(dead_at=timezone.now(), attempts=12)


def fill_rules(world: World, number: int) -> None:
    make_zone(f"Zone {number}", countries=["FR"])
    make_method(world.zone, f"method-{number}")
    make_tax_rate("IM", tax_class=f"class-{number}")
    make_coupon(f"LAMPS-{number}")
    make_coupon(f"MORE-{number}", promotion=world.coupon.promotion)
    make_seller(market=f"m{number}")
    make_audit_entry(number=number)


def fill_orders(world: World, number: int) -> None:
    def stock() -> Any:
        return make_stock(on_hand=9)

    customer = world.customer
    make_order((stock(), 1), (stock(), 2), customer=customer)
    add_note(order_id=world.order.pk, author=world.manager, text="More")
    pay(make_order((stock(), 1), customer=customer))
    make_draft(item(stock()), item(stock()), author=world.manager)
    place_draft(make_draft(item(stock()), customer=customer.pk, author=world.manager), at=timezone.now())
    make_parcel((stock(), 2), customer=customer)
    sent = make_sent_order((stock(), 2), (stock(), 2), customer=customer)
    make_picture(make_return(sent, 1, 1))
    make_withdrawal(sent)
    make_refund_by_hand(make_order((stock(), 1), customer=customer), world.manager)
    make_invoice(make_order((stock(), 1), customer=customer))
    take(settlement_file(f"ch_more_{number}"), "sandbox")


def cost_of(world: World, operation: Operation) -> tuple[int, Any]:
    """Return how many statements the read takes, rules and rights being known already, and its answer."""
    is_paged = "size" in {parameter["name"] for parameter in operation.parameters("query")}
    address = world.address_of(operation) + (f"?size={PAGE}" if is_paged else "")
    headers = world.as_(world.who_may(operation))
    send("get", address, headers=headers)
    with CaptureQueriesContext(connection) as captured:
        answer = send("get", address, headers=headers)
        if answer.streaming:  # read while it is written
            assert b"".join(answer.streaming_content)
    assert answer.status_code == 200, (operation.name, answer.status_code)
    return len(captured), answer


def costs_of(world: World) -> tuple[dict[str, int], list[str]]:
    """Return what each read takes, and which lists have less than a page."""
    costs, short = {}, []
    for operation in reads():
        costs[operation.name], answer = cost_of(world, operation)
        is_list = answer["Content-Type"] == "application/json" and not answer.streaming
        shown = answer.json().get("results") if is_list else None
        if shown is not None and len(shown) < PAGE:
            short.append(operation.name)
    return costs, short


def test_no_read_asks_more_where_there_is_more(world: World) -> None:
    fill(world, range(MORE))
    some, short = costs_of(world)
    fill(world, range(MORE, 2 * MORE))
    many, _ = costs_of(world)

    assert set(short) <= OF_ONE
    assert {name: (some[name], many[name]) for name in some if some[name] != many[name]} == {}
    assert many == json.loads(TABLE.read_text())
