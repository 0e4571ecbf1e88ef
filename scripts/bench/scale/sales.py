"""Order lines by the million: copies of a few orders that were placed and paid, each with all of its books."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import cycle, islice

from tqdm import tqdm

from bench import client
from bench.books import BOOKS_OF_AN_ORDER, copy_order, order_and_pay
from bench.copies import Table, copy_rows, new_key, new_keys
from bench.http import Asked
from bench.reads import API
from bench.scale.goods import without_indexes
from bench.shop import Shop
from bench.writes import first_item

LINES = 20
_PATTERNS = 10
# Each time the patterns are looked for among all others.
_AT_ONCE = 100_000
_CUSTOMERS = 1000
_EMAIL, _PASSWORD = "buyer@example.com", "a long word for a bench"
_STAFF = "staff@example.com"
_MAKE_STAFF = f"""
from accounts.models import User
staff = User(email={_STAFF!r}, is_staff=True, is_superuser=True)
staff.set_password({_PASSWORD!r})
staff.save()
"""


def fill_orders(shop: Shop, skus: Sequence[str], *, lines: int) -> None:
    """Make the shop have so many order lines: two thirds of the orders a thousand customers', the others guests'."""
    shop.sql("CREATE TABLE IF NOT EXISTS bench_orders (place int PRIMARY KEY, id uuid NOT NULL, copies int DEFAULT 0)")
    if not shop.sql("SELECT count(*) FROM bench_orders"):
        _place_patterns(shop, skus)
    owner = {"customer_id": _owner(_customer(shop)), "placed_at": "placed_at - n * interval '10 seconds'"}
    have = shop.sql("SELECT sum(copies)::int FROM bench_orders")
    want = lines // LINES // _PATTERNS * _PATTERNS
    if want <= have:
        return
    shop.sql("SET session_replication_role = replica")
    with without_indexes(shop, *{table.name for table in BOOKS_OF_AN_ORDER}):
        for first in tqdm(range(have, want, _AT_ONCE), desc="Orders", unit=" x 100,000"):
            _copy_patterns(shop, first, min(first + _AT_ONCE, want), owner)
    shop.sql("SET session_replication_role = DEFAULT")
    shop.sql("VACUUM ANALYZE")


def _copy_patterns(shop: Shop, first: int, end: int, other: dict[str, str]) -> None:
    """Copy each pattern for its share of the numbers, which no other pattern takes."""
    share = (end - first) // _PATTERNS
    for place in range(_PATTERNS):
        order_id = shop.sql("SELECT id FROM bench_orders WHERE place = %(place)s", {"place": place})
        start = first + place * share + 1
        copy_order(shop, str(order_id), first=start, last=start + share - 1, also=other)
    shop.sql("UPDATE bench_orders SET copies = copies + %(share)s", {"share": share})


def _place_patterns(shop: Shop, skus: Sequence[str]) -> None:
    goods = cycle(skus)
    for place in range(_PATTERNS):
        tokens = client.tokens_of(client.send(port=shop.port, clients=1, requests=[first_item(next(goods))]))
        more = [
            Asked("POST", f"{API}/cart/items", {"X-Cart-Token": tokens[0]}, {"sku": sku, "quantity": 1})
            for sku in islice(goods, LINES - 1)
        ]
        client.tokens_of(client.send(port=shop.port, clients=1, requests=more))
        order_id = order_and_pay(shop, tokens[0])
        shop.sql("INSERT INTO bench_orders (place, id) VALUES (%(place)s, %(id)s)", {"place": place, "id": order_id})


def _owner(customer: str) -> str:
    number = f"nullif(mod(n, {_CUSTOMERS}), 0)"
    of_many = new_key(f"'{customer}'").replace("(n,", f"({number},").replace("md5(n", f"md5({number}")
    return f"CASE WHEN mod(n, 3) = 0 THEN NULL ELSE coalesce({of_many}, '{customer}'::uuid) END"


def _customer(shop: Shop) -> str:
    shop.sql("CREATE TABLE IF NOT EXISTS bench_customer (id uuid NOT NULL)")
    found = shop.sql("SELECT id FROM bench_customer")
    if found is None:
        body = {"email": _EMAIL, "password": _PASSWORD}
        client.send(port=shop.port, clients=1, requests=[Asked("POST", f"{API}/auth/register", body=body)])
        shop.sql("INSERT INTO bench_customer SELECT id FROM accounts_user ORDER BY created_at DESC LIMIT 1")
        shop.manage("shell", "-v0", "-c", _MAKE_STAFF)
        others = {"email_key": "n || email_key"}
        people = Table("accounts_user", "id = (SELECT id FROM bench_customer)", new_keys("id") | others)
        copy_rows(shop, people, first=1, last=_CUSTOMERS - 1)
        return _customer(shop)
    return str(found)


def sign_in(shop: Shop, *, as_staff: bool) -> str:
    """Return what goes behind a path to ask as that person."""
    body = {"email": _STAFF if as_staff else _EMAIL, "password": _PASSWORD}
    answer = client.send(port=shop.port, clients=1, requests=[Asked("POST", f"{API}/auth/login", body=body)])
    return f"Authorization Bearer {json.loads(answer.bodies[0])['access']}"
