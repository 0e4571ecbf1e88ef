"""What is done over very many orders: checking the books, rehearsing a promotion; and webhooks, one after the other."""

from __future__ import annotations

import json
import os
import subprocess  # nosec B404: our own commands
import sys
import time
from dataclasses import dataclass
from itertools import cycle, islice
from uuid import uuid4

from bench import client
from bench.http import Asked
from bench.measuring import Row, measure
from bench.reading import Pressure, pressure_of
from bench.reads import API
from bench.shop import ROOT, Shop, ShopFailed
from bench.writes import first_item, order_body
from sandbox.domain import sign

WEBHOOKS = "provider webhooks"
_SETTINGS = "from django.conf import settings; print(settings.SANDBOX_WEBHOOK_SECRETS[0])"
# Of what stands in the books of an order, each copy gets keys of its own, made of the number of the copy and the key.
_NEW = "md5(n || ':' || {0}::text)::uuid"
_NEW_TEXT = "md5(n || ':' || split_part({0}, ':', 1))::uuid || substr({0}, 37)"
_ATTEMPTS = (
    "SELECT a.id FROM payments_attempt a JOIN payments_payment p ON p.id = a.payment_id WHERE p.order_id = %(id)s::uuid"
)
_ENTRIES = (
    "SELECT id FROM payments_ledgerentry WHERE reference = %(id)s::text"  # noqa: S608 - names are ours
    f" OR split_part(reference, ':', 1) IN (SELECT id::text FROM ({_ATTEMPTS}) AS a)"
)


@dataclass(frozen=True, slots=True)
class _Table:
    """A table, which of its rows are copied, and what differs: column -> expression. Serial keys are left out."""

    name: str
    where: str
    other: dict[str, str]


def _keys(*columns: str) -> dict[str, str]:
    return {column: _NEW.format(column) for column in columns}


_TABLES = (
    _Table(
        "orders_order",
        "id = %(id)s::uuid",
        _keys("id") | {"number": "'B-' || n", "cart_id": "NULL", "external_number": "''"},
    ),
    _Table("orders_orderline", "order_id = %(id)s::uuid", _keys("id", "order_id")),
    _Table("orders_ordermove", "order_id = %(id)s::uuid", _keys("order_id")),
    _Table("orders_orderreceipt", "order_id = %(id)s::uuid", _keys("order_id")),
    _Table("inventory_reservation", "reference = %(id)s::uuid", _keys("id", "reference")),
    _Table("payments_payment", "order_id = %(id)s::uuid", _keys("id", "order_id")),
    _Table(
        "payments_attempt",
        f"id IN ({_ATTEMPTS})",
        _keys("id", "payment_id")
        | {"idempotency_key": "'b' || n", "provider_reference": "'b' || n", "request_key": "''"},
    ),
    _Table("payments_ledgerentry", f"id IN ({_ENTRIES})", _keys("id") | {"reference": _NEW_TEXT.format("reference")}),
    _Table("payments_posting", f"entry_id IN ({_ENTRIES})", _keys("entry_id")),
    _Table("core_outboxevent", "aggregate = %(id)s::text", _keys("id") | {"aggregate": _NEW_TEXT.format("aggregate")}),
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
    values = {"id": order_id, "count": missing}
    shop.sql(_GOODS, values)
    for table in _TABLES:
        shop.sql(_copying(shop, table), values)
    shop.sql("VACUUM ANALYZE")


def _paid_by_hand(shop: Shop, sku: str) -> str:
    filled = client.send(port=shop.port, clients=1, requests=[first_item(sku)])
    token = client.tokens_of(filled)[0]
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
staff, _ = User.objects.get_or_create(email="bench@example.com", defaults=dict(is_staff=True, is_superuser=True))
services.move_order(order_id=UUID("{}"), to=OrderStatus.PAID, actor=staff, at=timezone.now())
"""


def _copying(shop: Shop, table: _Table) -> str:
    columns = shop.sql(
        "SELECT string_agg(column_name, ',') FROM information_schema.columns"
        " WHERE table_name = %(name)s AND is_identity = 'NO' AND table_schema = 'public'",
        {"name": table.name},
    ).split(",")
    names = ", ".join(f'"{column}"' for column in columns)
    made = ", ".join(table.other.get(column, f'"{column}"') for column in columns)
    return (
        f"INSERT INTO {table.name} ({names})"  # noqa: S608 - names are ours
        f" SELECT {made} FROM {table.name}, generate_series(1, %(count)s) AS n WHERE {table.where}"
    )


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
