"""The quote of a full cart under many promotions, and the whole way from an empty cart to a paid order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import cycle, islice

from bench import client
from bench.http import Asked
from bench.measuring import Row, measure
from bench.reading import Pressure, pressure_of
from bench.reads import API
from bench.shop import Shop, ShopFailed
from bench.writes import first_item, order_body

LINES = 20
QUOTES = {"quote, 20 lines, 50 promotions": 50, "quote, 20 lines, 1,000 promotions": 1000}
CHECKOUT = "whole checkout, paid"
_WISHES = {"shipping_address": {"country": "GB", "postal_code": "SW1Y 4JH"}, "shipping_method": "standard"}

# Half of the promotions are for some products, a sixth for a category, the rest for whole orders.
_PROMOTIONS = """
    INSERT INTO promotions_promotion (id, created_at, updated_at, name, benefit, per, percent_bp, amounts, buy, get,
        tiers, minimum_quantity, products, variants, categories, tags, markets, groups, first_order_only, time_zone,
        priority, is_exclusive, needs_code, uses, is_active)
    SELECT gen_random_uuid(), now(), now(), 'Promotion ' || n, 'percent', 'order', 100, '{}', 0, 0, '[]',
           CASE WHEN n %% 6 = 0 THEN 1000 ELSE 0 END,
           CASE WHEN n %% 2 = 0 THEN ARRAY(SELECT id FROM products_product ORDER BY id OFFSET n * 5 LIMIT 5)
                ELSE '{}' END, '{}',
           CASE WHEN n %% 6 = 3 THEN ARRAY(SELECT id FROM products_category ORDER BY id OFFSET n %% 40 LIMIT 1)
                ELSE '{}' END,
           '{}', '{}', '{}', false, 'UTC', n %% 10, false, false, 0, true
      FROM generate_series(%s + 1, %s) AS n
"""
_CHANGED = "UPDATE markets_market SET rules_version = (random() * 1e15)::bigint"
_MOST_END = """
    UPDATE promotions_promotion SET is_active = false
     WHERE name LIKE 'Promotion %%' AND split_part(name, ' ', 2)::int > %s
"""


def load_rules(shop: Shop) -> None:
    """Give the shop tax and shipping, as the demo has them."""
    shop.manage("shell", "-c", "from config.demo_rules import load_rules; load_rules()")


def keep_few(shop: Shop) -> None:
    """End most of the promotions that ``quote`` made: what follows is about a shop with a usual number of them."""
    shop.sql(_MOST_END, (min(QUOTES.values()),))
    shop.sql(_CHANGED)


def quote(shop: Shop, skus: Sequence[str], *, name: str, clients: int, count: int) -> Row:
    """Measure quotes of 20 lines, with so many promotions that hold."""
    live = shop.sql("SELECT count(*) FROM promotions_promotion WHERE name LIKE 'Promotion %%'")
    if live != QUOTES[name]:
        shop.sql(_PROMOTIONS, (live, QUOTES[name]))
        shop.sql(_CHANGED)
    chosen = cycle(skus)
    asked = [
        Asked(
            "POST", f"{API}/cart/quote", body={"items": [{"sku": sku, "quantity": 2} for sku in islice(chosen, LINES)]}
        )
        for _ in range(count)
    ]
    # Each process reads the rules before it is measured.
    client.send(port=shop.port, clients=clients, requests=asked[: 5 * clients])

    def load() -> Pressure:
        return pressure_of(client.send(port=shop.port, clients=clients, requests=asked), wanted=200)

    return measure(shop=shop, operation=name, clients=clients, load=load)


def checkout(shop: Shop, skus: Sequence[str], *, clients: int, count: int) -> Row:
    """Measure guests who fill a cart, say where it goes and how, order, and pay by the sandbox."""

    def load() -> Pressure:
        return _checkout(shop, list(islice(cycle(skus), count)), clients)

    return measure(shop=shop, operation=CHECKOUT, clients=clients, load=load, is_write=True)


def _checkout(shop: Shop, skus: Sequence[str], clients: int) -> Pressure:
    """Take each step for all of them before the next; what the four take together counts as one request."""

    def take(asked: Sequence[Asked], wanted: int) -> client.Load:
        answers = client.send(port=shop.port, clients=clients, requests=asked)
        if set(answers.statuses) != {wanted}:
            raise ShopFailed(f"{asked[0].method} {asked[0].path}: {answers.bodies[0][:500]}")
        return answers

    carts = take([first_item(sku) for sku in skus], 201)
    headers = [{"X-Cart-Token": token} for token in client.tokens_of(carts)]
    wished = take([Asked("PATCH", f"{API}/cart", header, _WISHES) for header in headers], 200)
    placed = take(
        [Asked("POST", f"{API}/orders", header, order_body(header["X-Cart-Token"])) for header in headers], 201
    )
    orders = [json.loads(order) for order in placed.bodies]
    paid = take([_pay(order) for order in orders], 201)
    loads = (carts, wished, placed, paid)
    whole = [sum(parts) for parts in zip(*(load.milliseconds for load in loads), strict=True)]
    return pressure_of(
        client.Load(
            seconds=sum(load.seconds for load in loads),
            milliseconds=whole,
            statuses=paid.statuses,
            bodies=paid.bodies,
        ),
        wanted=201,
    )


def _pay(order: dict[str, str]) -> Asked:
    body = {"order": order["id"], "provider": "sandbox", "return_url": "https://shop.example/done", "card": "success"}
    return Asked("POST", f"{API}/payments", {"X-Order-Token": order["token"]}, body)
