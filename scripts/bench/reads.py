"""The reads that are measured, and the two references that stand beside each."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench import client
from bench.catalogue import search_words
from bench.http import Asked, ask
from bench.reading import asked_for
from bench.shop import Shop, ShopFailed

API = "/api/v1"
MANY = 40
REMEMBERED = ("list", "filtered list", "category", "search")
REFERENCES = ("bare", "select")
# The yardstick of everything: the bare view with one ``SELECT`` of the list's bytes.
GAUGE, GAUGE_ROW = "/bench/select/list", "list: select"
UNCHANGED, ANEW = ", unchanged", ", anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One kind of read. ``paths`` are asked for in turn; what the first of them answers is the references' body."""

    name: str
    paths: Sequence[str]
    has_references: bool = True


def prepare_reads(shop: Shop, skus: Sequence[str]) -> list[Read]:
    """Find addresses that answer, open carts, and lay down the bytes for the references."""
    chance = random.Random(3)  # noqa: S311  # nosec B311 - the same addresses at every run
    shown = [
        product for page in range(1, 11) for product in shop.get(f"{API}/products?size=100&page={page * 9}")["results"]
    ]
    slugs = [product["slug"] for product in chance.sample(shown, MANY)]
    categories = sorted({product["category"]["slug"] for product in shown})
    words = [word for word in search_words() if shop.get(f"{API}/products?search={word}")["count"] >= 20]
    lowest = [chance.randrange(5, 200) for _ in range(MANY)]
    reads = [
        Read(name="list", paths=[f"{API}/products"]),
        Read(
            name="filtered list",
            paths=[f"{API}/products?min_price={low}&max_price={low * 3}&in_stock=true" for low in lowest],
        ),
        Read(name="category", paths=[f"{API}/products?category={slug}" for slug in categories[:MANY]]),
        Read(name="detail", paths=[f"{API}/products/{slug}" for slug in slugs]),
        Read(name="search", paths=[f"{API}/products?search={word}" for word in words[:MANY]]),
        Read(name="cart", paths=[f"{API}/cart X-Cart-Token {token}" for token in _open_carts(shop, skus)]),
    ]
    lay_down(shop, reads)
    return reads + [_unchanged(shop, read) for read in reads[:4]]


def base_of(name: str) -> str:
    """Return the read whose references stand beside it: that of the same addresses."""
    return name.removesuffix(UNCHANGED).removesuffix(ANEW)


def anew(reads: Sequence[Read]) -> list[Read]:
    """Return those of the reads that a process remembers, to be asked of a shop that does not."""
    return [replace(read, name=read.name + ANEW, has_references=False) for read in reads if read.name in REMEMBERED]


def _unchanged(shop: Shop, read: Read) -> Read:
    """Return the same read by somebody who has seen it.

    :raises ShopFailed: an answer is not 304
    """
    paths = [f"{path} If-None-Match {ask(shop.port, asked_for(path)).etag}" for path in read.paths]
    changed = [path for path in paths if ask(shop.port, asked_for(path)).status != 304]
    if changed:
        raise ShopFailed(f"not 304: {changed[0]}")
    return Read(name=read.name + UNCHANGED, paths=paths, has_references=False)


def reference_path(read: Read, kind: str) -> str:
    """Where the reference answers: ``bare`` from memory, ``select`` from one row."""
    return f"/bench/{kind}/{_key(read)}"


def _key(read: Read) -> str:
    return read.name.replace(" ", "-")


def _open_carts(shop: Shop, skus: Sequence[str]) -> list[str]:
    asked = [Asked("POST", f"{API}/cart/items", body={"sku": sku, "quantity": 2}) for sku in skus[:8]]
    tokens = client.tokens_of(client.send(port=shop.port, clients=4, requests=asked))
    more = [
        Asked("POST", f"{API}/cart/items", {"X-Cart-Token": token}, {"sku": sku, "quantity": 1})
        for token in tokens
        for sku in skus[10:12]
    ]
    client.send(port=shop.port, clients=1, requests=more)
    return tokens


def lay_down(shop: Shop, reads: Sequence[Read]) -> None:
    """Lay down what the first address of each read answers, for its references."""
    shop.sql("CREATE TABLE IF NOT EXISTS bench_bytes (name text PRIMARY KEY, body bytea NOT NULL)")
    for read in reads:
        first = asked_for(read.paths[0])
        body = shop.get_bytes(first.path, first.headers)
        (shop.data / "bench" / _key(read)).write_bytes(body)
        shop.sql(
            "INSERT INTO bench_bytes VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET body = excluded.body",
            (_key(read), body),
        )
