"""What is done over very many orders: checking the books, rehearsing a promotion; and webhooks, one after the other."""

from __future__ import annotations

import json
import os
import subprocess  # nosec B404: our own commands
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import cycle, islice
from uuid import uuid4

from bench import client
from bench.copies import Table, copy_rows, new_key, new_keys
from bench.http import Asked
from bench.measuring import Row, measure
from bench.reading import Pressure, pressure_of
from bench.reads import API
from bench.shop import ROOT, Shop, ShopFailed
from bench.writes import first_item, order_body
from sandbox.domain import sign

WEBHOOKS = "provider webhooks"
_SETTINGS = "from django.conf import settings; print(settings.SANDBOX_WEBHOOK_SECRETS[0])"
# Of what stands in the books of an order, each copy gets keys of its own.
_NEW_TEXT = new_key("split_part({0}, ':', 1)") + "::text || substr({0}, 37)"
_ATTEMPTS = (
    "SELECT a.id FROM payments_attempt a JOIN payments_payment p ON p.id = a.payment_id WHERE p.order_id = %(id)s::uuid"
)
_ENTRIES = (
    "SELECT id FROM payments_ledgerentry WHERE reference = %(id)s::text"  # nosec B608  # noqa: S608 - names are ours
    f" OR split_part(reference, ':', 1) IN (SELECT id::text FROM ({_ATTEMPTS}) AS a)"
)


BOOKS_OF_AN_ORDER = (
    Table(
        "orders_order",
        "id = %(id)s::uuid",
        new_keys("id") | {"number": "'B-' || n", "cart_id": "NULL", "external_number": "''"},
    ),
    Table("orders_orderline", "order_id = %(id)s::uuid", new_keys("id", "order_id")),
    Table("orders_ordermove", "order_id = %(id)s::uuid", new_keys("order_id")),
    Table("orders_orderreceipt", "order_id = %(id)s::uuid", new_keys("order_id")),
    Table("inventory_reservation", "reference = %(id)s::uuid", new_keys("id", "reference")),
    Table("payments_payment", "order_id = %(id)s::uuid", new_keys("id", "order_id")),
    Table(
        "payments_attempt",
        f"id IN ({_ATTEMPTS})",
        new_keys("id", "payment_id")
        | {"idempotency_key": "'b' || n", "provider_reference": "'b' || n", "request_key": "''"},
    ),
    Table("payments_ledgerentry", f"id IN ({_ENTRIES})", new_keys("id") | {"reference": _NEW_TEXT.format("reference")}),
    Table("payments_posting", f"entry_id IN ({_ENTRIES})", new_keys("entry_id")),
    Table(
        "core_outboxevent", "aggregate = %(id)s::text", new_keys("id") | {"aggregate": _NEW_TEXT.format("aggregate")}
    ),
)
_GOODS = """
    WITH grown AS (
        UPDATE inventory_stock s
           SET on_hand = on_hand + r.quantity * %(count)s, reserved = reserved + r.quantity * %(count)s
          FROM inventory_reservation r WHERE r.stock_id = s.id AND r.reference = %(id)s::uuid
        RETURNING s.id, r.quantity)
    INSERT INTO inventory_movement (stock_id, difference, reason, reference, at)
    SELECT id, quantity * %(count)s, 'received', 'bench', now() FROM grown
"""
_CHARGES = """
    SELECT json_agg(json_build_array(provider_reference, idempotency_key, captured_minor))::text FROM payments_attempt
     WHERE provider = 'sandbox' AND status = 'captured'
"""


def many_orders(shop: Shop, sku: str, *, count: int) -> None:
    """Make the shop have so many paid orders, each whole with its lines, history, receipt, payment and ledger."""
    shop.settle()
    missing = count - shop.sql("SELECT count(*) FROM orders_order")
    if missing <= 0:
        return
    order_id = _paid_by_hand(shop, sku)
    copy_order(shop, order_id, first=1, last=missing)
    shop.sql("VACUUM ANALYZE")


def copy_order(shop: Shop, order_id: str, *, first: int, last: int, also: Mapping[str, str] | None = None) -> None:
    """Write copies of an order, each whole; ``also`` is what differs in the order itself: column -> expression."""
    values = {"id": order_id, "count": last - first + 1}
    shop.sql(_GOODS, values)
    for table in BOOKS_OF_AN_ORDER:
        other = table.other | (also or {}) if table.name == "orders_order" else table.other
        copy_rows(shop, replace(table, other=other), first=first, last=last, values=values)


def _paid_by_hand(shop: Shop, sku: str) -> str:
    filled = client.send(port=shop.port, clients=1, requests=[first_item(sku)])
    return order_and_pay(shop, client.tokens_of(filled)[0])


def order_and_pay(shop: Shop, token: str) -> str:
    """Order the cart, have staff take it as paid, and return the order's id."""
    asked = Asked("POST", f"{API}/orders", {"X-Cart-Token": token}, order_body(token))
    placed = client.send(port=shop.port, clients=1, requests=[asked])
    if placed.statuses != [201]:
        raise ShopFailed(f"no order: {placed.bodies[0][:300]}")
    order_id = str(json.loads(placed.bodies[0])["id"])
    shop.manage("shell", "-c", _PAYING.format(order_id))
    shop.settle()
    return order_id


_PAYING = """
from uuid import UUID
from django.utils import timezone
from accounts.models import User
from orders import services
from orders.domain import OrderStatus
known = User.objects.with_email("bench@example.com").first()
staff = known or User.objects.create(email="bench@example.com", is_staff=True, is_superuser=True)
services.move_order(order_id=UUID("{}"), to=OrderStatus.PAID, actor=staff, at=timezone.now())
"""


def timed(shop: Shop, *words: str) -> dict[str, float]:
    """Run a command of the shop, and return its seconds and its largest resident size in MB.

    :raises ShopFailed: it exits non-zero
    """
    began = time.perf_counter()
    with (shop.folder / "command").open("wb") as output:
        process = subprocess.Popen(  # nosec B603
            [sys.executable, "src/manage.py", *words], cwd=ROOT, env=shop.variables, stdout=output, stderr=output
        )
        _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise ShopFailed(f"manage.py {words[0]}: {(shop.folder / 'command').read_text()[-1500:]}")
    return {"seconds": seconds, "mb": used.ru_maxrss / 1000}


def books(shop: Shop, sku: str, *, orders: int) -> dict[str, float]:
    """Measure ``verify_books`` over so many orders."""
    many_orders(shop, sku, count=orders)
    return timed(shop, "verify_books") | {"orders": orders}


def rehearsal(shop: Shop, *, orders: int) -> dict[str, float]:
    """Measure the rehearsal of a promotion over so many past orders."""
    promotion = shop.sql("SELECT id FROM promotions_promotion WHERE name = 'Promotion 1'")
    return timed(shop, "rehearse_promotion", str(promotion), "--last", str(orders)) | {"orders": orders}


def webhooks(shop: Shop, *, clients: int, count: int) -> Row:
    """Measure signed webhooks of charges that are known: each is checked, kept, and handed to a worker."""
    secret = shop.manage("shell", "-v0", "-c", _SETTINGS).strip().splitlines()[-1]
    known = json.loads(shop.sql(_CHARGES))

    def load() -> Pressure:
        asked = [_notice(secret, *charge) for charge in islice(cycle(known), count)]
        return pressure_of(client.send(port=shop.port, clients=clients, requests=asked), wanted=204)

    return measure(shop=shop, operation=WEBHOOKS, clients=clients, load=load, is_write=True)


def _notice(secret: str, reference: str, key: str, amount: int) -> Asked:
    now = int(time.time())
    charge = {
        "id": reference, "status": "captured", "amount": amount, "currency": "GBP", "captured": amount, "refunded": 0,
        "disputed": 0, "reference": key, "next_action": None, "failure": None, "created": now,
    }  # fmt: skip
    asked = Asked(
        "POST",
        f"{API}/webhooks/sandbox",
        body={"id": f"evt_{uuid4()}", "type": "charge.captured", "created": now, "data": {"charge": charge}},
    )
    asked.headers["Sandbox-Signature"] = sign(secret=secret, at=now, body=json.dumps(asked.body).encode())
    return asked
