"""Rendering: the read table follows what it shows, in the same transaction.

Every render locks its products first and reads after the lock. Whoever comes second therefore sees what the first
committed, and the document that stays is the one that shows both. Writers change rows first and render then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from core.ids import new_id_text
from core.lookups import array_literal
from core.transactions import command, step
from markets import selectors as market_reads
from products.domain import (
    SEARCHED_CHARACTERS,
    MarketFacts,
    ProductFacts,
    lowest_price,
    render,
)
from products.domain import show_availability as show_availability_in
from products.models import Category, Product, ProductDocument
from products.selectors.facts import load_facts

_BATCH = 500
_postponed: ContextVar[set[UUID] | None] = ContextVar("postponed", default=None)

# Of a version: the first digits are of the document, the other eight of what the row holds beside it.
_DIGITS = 24

_SHOW_AVAILABILITY = """
    UPDATE products_productdocument d
       SET document = c.document, version = c.version, in_stock = c.in_stock
      FROM jsonb_to_recordset(%s::jsonb) AS c (id uuid, document text, version text, in_stock boolean)
     WHERE d.id = c.id
"""
# What the database is given for a row: its own columns, and of what the search vector is made.
_GIVEN = """
    id uuid, product_id uuid, market_id uuid, slug text, document text, version text, name text, category_ids uuid[],
    tags text[], skus text[], price_minor bigint, in_stock boolean, published_at timestamptz, language text,
    labels text, description text
"""
_INSERT = """
    INSERT INTO products_productdocument AS d (
        id, product_id, market_id, slug, document, version, name, category_ids, tags, skus, price_minor, in_stock,
        rating, published_at, search)
    SELECT g.id, g.product_id, g.market_id, g.slug, g.document, g.version, g.name, g.category_ids, g.tags, g.skus,
           g.price_minor, g.in_stock, 0, g.published_at,
           products_search_vector(g.language, g.name, array_to_string(g.skus, ' '), g.labels, g.description)
"""
# One statement for all rows: what is gone, what is new and what differs. A row in its present version is not touched.
_WRITE = f"""
    WITH given AS MATERIALIZED (SELECT * FROM json_to_recordset(%(rows)s::json) AS t ({_GIVEN})),
    gone AS (
        DELETE FROM products_productdocument d
         WHERE d.product_id = ANY(%(rendered)s::uuid[]) AND d.market_id = ANY(%(markets)s::uuid[])
           AND NOT EXISTS (
               SELECT FROM given g WHERE g.product_id = d.product_id AND g.market_id = d.market_id)
        RETURNING d.product_id),
    written AS (
        {_INSERT}
          FROM given g
          LEFT JOIN products_productdocument old ON old.product_id = g.product_id AND old.market_id = g.market_id
         WHERE old.version IS DISTINCT FROM g.version
        ON CONFLICT (market_id, product_id) DO UPDATE SET
            slug = excluded.slug, document = excluded.document, version = excluded.version, name = excluded.name,
            category_ids = excluded.category_ids, tags = excluded.tags, skus = excluded.skus,
            price_minor = excluded.price_minor, in_stock = excluded.in_stock, published_at = excluded.published_at,
            search = excluded.search
        RETURNING d.product_id)
    SELECT product_id FROM gone UNION SELECT product_id FROM written
"""  # noqa: S608 - of constants


@step
def render_products(*, product_ids: Collection[UUID], market_id: UUID | None = None) -> set[UUID]:
    """Bring the documents of these products up to date and return the products whose documents changed.

    Locks the products in id order; then two statements per 500 of them, and one for the markets. Inside
    ``render_once`` it only takes note.

    :param market_id: only the documents of that market; without it, of all active ones
    """
    if _postponed.get() is not None:
        return render_locked(product_ids=product_ids, market_id=market_id)
    return render_locked(product_ids=lock_products(product_ids=product_ids), market_id=market_id)


@step
def lock_products(*, product_ids: Collection[UUID]) -> list[UUID]:
    """Lock the products, deleted ones included, in id order, and return those that there are. One statement."""
    if not product_ids:
        return []
    return list(Product.all_objects.filter(pk__any_of=product_ids).locked().values_list("pk", flat=True))


@step
def render_locked(*, product_ids: Collection[UUID], market_id: UUID | None = None) -> set[UUID]:
    """Do as ``render_products`` does, for products that the caller has locked, all in one go and in id order."""
    noted = _postponed.get()
    if noted is not None and market_id is None:
        noted.update(product_ids)
        return set()
    return _render(sorted(product_ids), market_id)


@step
def show_availability(*, product_ids: Collection[UUID], available: Mapping[UUID, bool]) -> None:
    """Show in the documents of locked products which variants can be had. The rest of them stays. Two statements.

    Selling the last unit thus costs a fraction of a render, and leaves what a render would.

    :param available: variant id -> whether any unit is free; variants left out stay as they are
    """
    noted = _postponed.get()
    if noted is not None:
        noted.update(product_ids)
        return
    shown = {str(variant): value for variant, value in available.items()}
    rows = ProductDocument.objects.filter(product__any_of=product_ids).values_list("pk", "document", "version")
    changed = [_with_availability(*row, shown) for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(_SHOW_AVAILABILITY, [orjson.dumps(changed).decode()])


def _with_availability(pk: UUID, body: str, version: str, available: Mapping[str, bool]) -> dict[str, Any]:
    document = orjson.loads(body)
    show_availability_in(document, available)
    changed = orjson.dumps(document)
    return {
        "id": pk,
        "document": changed.decode(),
        "version": _digest(changed) + version[_DIGITS:],
        "in_stock": document["in_stock"],
    }


@contextmanager
def render_once() -> Iterator[None]:
    """Render what the block changes once, at its end: for a command whose steps would each render the same products."""
    noted: set[UUID] = set()
    token = _postponed.set(noted)
    try:
        yield
    finally:
        _postponed.reset(token)
    if noted:
        render_products(product_ids=noted)


@step
def render_category(*, category_id: UUID) -> set[UUID]:
    """Bring the documents of all products in or below the category up to date.

    Call it after the categories were changed, in the same transaction.
    """
    below = Category.objects.filter(ancestor_ids__contains=[category_id]).values("pk")
    return render_products(product_ids=list(Product.objects.filter(category__in=below).values_list("pk", flat=True)))


@step
def render_market(*, market_id: UUID) -> None:
    """Write all documents of the market; of one that is closed, remove them."""
    if all(market.id != market_id for market in _markets(None)):
        ProductDocument.objects.filter(market_id=market_id).delete()
        return
    render_products(product_ids=list(Product.objects.values_list("pk", flat=True)), market_id=market_id)


@step
def write_first_documents(*, products: Sequence[ProductFacts]) -> None:
    """Write the documents of products that this transaction made: there is nothing to compare them with.

    Four statements and a COPY for any number of products.
    """
    rows = _rows(products, _markets(None)) if products else []
    if not rows:
        return
    with connection.cursor() as cursor:
        # Not worth compressing for the moment that they stand there.
        cursor.execute(f"CREATE TEMPORARY TABLE products_given ({_GIVEN}) WITH (toast_tuple_target = 8160)")
        with cursor.copy("COPY products_given FROM STDIN") as copy:
            for row in rows:
                copy.write_row([array_literal(cell) if isinstance(cell, list) else cell for cell in row.values()])
        cursor.execute(f"{_INSERT} FROM products_given g")
        cursor.execute("DROP TABLE products_given")


def _render(product_ids: Sequence[UUID], market_id: UUID | None) -> set[UUID]:
    changed: set[UUID] = set()
    markets = _markets(market_id) if product_ids else []
    for start in range(0, len(product_ids), _BATCH):
        batch = product_ids[start : start + _BATCH]
        changed |= _write(batch, markets, load_facts(product_ids=batch))
    return changed


def _markets(market_id: UUID | None) -> list[MarketFacts]:
    rows = market_reads.list_markets().values_list("pk", "code", "currency", "language")
    return [
        MarketFacts(id=pk, code=code, currency=currency, language=language)
        for pk, code, currency, language in rows
        if market_id in (None, pk)
    ]


def _write(product_ids: Sequence[UUID], markets: Sequence[MarketFacts], facts: Sequence[ProductFacts]) -> set[UUID]:
    rows = _rows(facts, markets)
    values: dict[str, Any] = {
        "rows": orjson.dumps(rows).decode(),
        "rendered": list(product_ids),
        "markets": [market.id for market in markets],
    }
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, values)
        return {row[0] for row in cursor.fetchall()}


def _rows(products: Sequence[ProductFacts], markets: Sequence[MarketFacts]) -> list[dict[str, Any]]:
    return [row for product in products for market in markets if (row := _row(product, market)) is not None]


def _row(product: ProductFacts, market: MarketFacts) -> dict[str, Any] | None:
    document = render(product, market)
    if document is None:
        return None
    body = orjson.dumps(document)
    return {
        "id": new_id_text(),
        "product_id": product.id,
        "market_id": market.id,
        "slug": product.slug,
        "document": body.decode(),
        "version": _digest(body) + _circumstances(market.language, *product.category_ids),
        "name": product.name,
        "category_ids": product.category_ids,
        "tags": product.tags,
        "skus": [variant["sku"].upper() for variant in document["variants"]],
        "price_minor": lowest_price(product, market.currency),
        "in_stock": document["in_stock"],
        "published_at": product.created_at,
        "language": market.language,
        "labels": " ".join([*product.tags, product.brand]),
        "description": product.description[:SEARCHED_CHARACTERS],
    }


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=_DIGITS // 2).hexdigest()


@lru_cache(maxsize=4096)
def _circumstances(*parts: str) -> str:
    """What the row holds beside the document: where it changes, so does the version."""
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=4).hexdigest()


@command
def rebuild_documents(*, after: UUID | None = None, most: int = _BATCH) -> tuple[UUID | None, set[UUID]]:
    """Render the next products in id order again; return the last of them, and those whose documents differed.

    :param after: the last of the batch before; ``None`` to begin
    :returns: ``None`` as the last when there are no more
    """
    rows = Product.all_objects.order_by("pk")
    found = list((rows.filter(pk__gt=after) if after else rows).values_list("pk", flat=True)[:most])
    return (found[-1] if found else None), render_products(product_ids=found)
