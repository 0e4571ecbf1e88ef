"""What tests of killed processes share: a shop for a crowd, the killing, and the count of what came of it."""

from __future__ import annotations

import contextlib
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import psutil

from config.settings.env import derived_key
from tests.crashes.crowd import Crowd
from tests.runtime.shop import Shop, wait_for

Buyers = TypeVar("Buyers", bound=Crowd)

PLENTY = 1_000_000
SECONDS_TO_SETTLE = 240.0
_OPENING = f"""
from django.utils import timezone
from inventory import services as inventory
from orders import services as orders
sku = "{{sku}}"
more = inventory.Adjustment(sku=sku, quantity={PLENTY})
inventory.adjust_stock(items=[more], reason="", actor_id=None, at=timezone.now())
orders.save_seller(wish=orders.SellerWish(
    name="Nexus Ltd", line1="1 High Street", city="London", postal_code="EC1A 1BB", country="GB",
    vat_id="GB980780684", registration="01234567"))
"""
# What is under way, or owed to anybody.
_OPEN = """
SELECT (SELECT count(*) FROM core_delivery WHERE done_at IS NULL)
     + (SELECT count(*) FROM payments_attempt WHERE status IN ('created', 'unknown', 'pending', 'authorised'))
     + (SELECT count(*) FROM payments_refund WHERE status IN ('created', 'unknown'))
     + (SELECT count(*) FROM sandbox_event WHERE due_at IS NOT NULL)
     + (SELECT count(*) FROM notifications_mail WHERE state <> 'sent')"""
_OPEN_DELIVERIES = """
SELECT coalesce(json_agg(d), '[]')
  FROM (SELECT handler, attempts, due_at, dead_at, last_error FROM core_delivery WHERE done_at IS NULL LIMIT 20) d"""
# Per paid order: papers, confirmations and captures, each of which is to be one.
_EFFECTS = """
SELECT coalesce(json_agg(json_build_object(
         'order', o.id, 'status', o.status, 'total', o.total_minor,
         'invoices', (SELECT count(*) FROM orders_invoice i WHERE i.order_id = o.id AND i.kind = 'invoice'),
         'credit_notes', (SELECT count(*) FROM orders_invoice i WHERE i.order_id = o.id AND i.kind <> 'invoice'),
         'refunds', (SELECT count(*) FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id
                      WHERE p.order_id = o.id AND r.status = 'succeeded'),
         'paid', (SELECT count(*) FROM orders_ordermove m WHERE m.order_id = o.id AND m.to_status = 'paid'),
         'keys', (SELECT json_agg(a.idempotency_key) FROM payments_attempt a JOIN payments_payment p
                      ON p.id = a.payment_id WHERE p.order_id = o.id))), '[]')
  FROM orders_order o"""


def open_to_a_crowd(shop: Shop, *, leisure: float = 0.0) -> Crowd:
    """Have enough of one variant, and a seller for invoices."""
    return open_to(Crowd(shop, "", leisure=leisure))


def open_to(crowd: Buyers) -> Buyers:
    """The same for a crowd of another kind."""
    shop = crowd.shop
    variant = crowd.insist("GET", "products?in_stock=true&size=1")["results"][0]["variants"][0]
    shop.manage("shell", "--no-imports", "-v0", "-c", _OPENING.format(sku=variant["sku"]))
    crowd.variant, crowd.earlier = variant["id"], {effect["order"] for effect in effects_in(shop)}
    return crowd


def kill(crowd: Crowd, victims: Callable[[Shop], list[psutil.Process]], *, times: int) -> None:
    """Kill one of the victims at a random moment, again and again; each time another has come up."""
    killed: set[int] = set()
    while len(killed) < times:
        wait_for(lambda: [each for each in victims(crowd.shop) if each.pid not in killed], 90)
        with contextlib.suppress(psutil.Error, IndexError):
            victim = random.choice([each for each in victims(crowd.shop) if each.pid not in killed])
            psutil.wait_procs([victim], timeout=random.uniform(0.05, 0.8))
            victim.kill()
            killed.add(victim.pid)


def each_happened_once(crowd: Crowd) -> None:
    """Compare what buyers were told with the shop's books, and these with the gateway's."""
    shop = crowd.shop
    settle(shop)
    assert "agree" in shop.manage("verify_books")
    assert shop.sql("SELECT count(*) FROM core_delivery WHERE dead_at IS NOT NULL") == 0

    charges = gateway_charges(shop)
    effects = effects_in(shop)
    orders = {effect["order"]: effect for effect in effects if effect["order"] not in crowd.earlier}
    told = {deal.order: deal for deal in crowd.deals}
    assert len(told) == len(crowd.deals)
    assert told.keys() <= orders.keys()
    for number, effect in orders.items():
        taken = [charges[key] for key in effect["keys"] or () if charges.get(key, {}).get("captured")]
        if number in told:
            assert effect["refunds"] == effect["credit_notes"] == len(told[number].refunds), effect
            assert effect["status"] == "paid", effect
        if effect["status"] == "paid":
            assert [charge["captured"] for charge in taken] == [effect["total"]], effect
            assert (effect["paid"], effect["invoices"]) == (1, 1), effect
    known = {key for effect in effects for key in effect["keys"] or ()}
    assert {key for key, charge in charges.items() if charge["captured"]} <= known


def settle(shop: Shop) -> None:
    """Wait until nothing is open, as long as it becomes less.

    :raises AssertionError: something stays as it is
    """
    while still_open := open_in(shop):
        try:
            wait_for(lambda: open_in(shop) < still_open, SECONDS_TO_SETTLE)
        except AssertionError as error:
            raise AssertionError(f"{still_open} stay open, such as {shop.sql(_OPEN_DELIVERIES)}") from error


def open_in(shop: Shop) -> int:
    """Return how much is under way or owed."""
    return int(str(shop.sql(_OPEN)))


def effects_in(shop: Shop) -> list[dict[str, Any]]:
    """Return, per order, what came of it."""
    effects: Any = shop.sql(_EFFECTS)
    return list(effects)


def gateway_charges(shop: Shop) -> dict[str, dict[str, Any]]:
    """Return our key -> charge, from the gateway's own books, which agree with themselves."""
    key = derived_key(json.loads((shop.data / "secrets.json").read_text())["secret_key"], "sandbox")
    _, answer = Crowd(shop, "").ask("GET", "/sandbox/v1/books", None, {"Authorization": f"Bearer {key}"})
    books = json.loads(answer)
    assert books["differences"] == []
    charges = books["charges"]
    assert max(Counter(charge["reference"] for charge in charges).values()) == 1
    return {charge["reference"]: charge for charge in charges}
