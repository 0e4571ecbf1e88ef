"""The rows of the read table, made from facts and written by one statement."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from core.ids import new_id_text
from core.lookups import array_literal
from products.domain import SEARCHED_CHARACTERS, MarketFacts, ProductFacts, groups_of, lowest_price, render

# Of a version: the first digits are of the document, the other eight of what the row holds beside it.
_DIGITS = 24

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
        RETURNING d.product_id),
    given_to_groups AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%(group_rows)s::json)
            AS t (id uuid, product_id uuid, market_id uuid, group_id uuid, document text, version text,
                  price_minor bigint)),
    gone_for_groups AS (
        DELETE FROM products_groupdocument o
         WHERE o.product_id = ANY(%(rendered)s::uuid[]) AND o.market_id = ANY(%(markets)s::uuid[])
           AND NOT EXISTS (
               SELECT FROM given_to_groups g
                WHERE g.product_id = o.product_id AND g.market_id = o.market_id AND g.group_id = o.group_id)
        RETURNING o.product_id),
    written_for_groups AS (
        INSERT INTO products_groupdocument AS o (id, product_id, market_id, group_id, document, version, price_minor)
        SELECT g.id, g.product_id, g.market_id, g.group_id, g.document, g.version, g.price_minor
          FROM given_to_groups g
          LEFT JOIN products_groupdocument old
            ON old.product_id = g.product_id AND old.market_id = g.market_id AND old.group_id = g.group_id
         WHERE old.version IS DISTINCT FROM g.version
        ON CONFLICT (product_id, market_id, group_id) DO UPDATE SET
            document = excluded.document, version = excluded.version, price_minor = excluded.price_minor
        RETURNING o.product_id)
    SELECT product_id FROM gone UNION SELECT product_id FROM written
    UNION SELECT product_id FROM gone_for_groups UNION SELECT product_id FROM written_for_groups
"""  # noqa: S608 - of constants


def write_rows(product_ids: Sequence[UUID], markets: Sequence[MarketFacts], facts: Sequence[ProductFacts]) -> set[UUID]:
    """Write the documents of these products in these markets and return the products that differed. One statement."""
    rows = _rows(facts, markets)
    values: dict[str, Any] = {
        "rows": orjson.dumps(rows).decode(),
        "group_rows": orjson.dumps(_group_rows(facts, markets, rows)).decode(),
        "rendered": list(product_ids),
        "markets": [market.id for market in markets],
    }
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, values)
        return {row[0] for row in cursor.fetchall()}


def insert_rows(products: Sequence[ProductFacts], markets: Sequence[MarketFacts]) -> None:
    """Write the documents of new products, which no list has yet. Three statements and a COPY."""
    rows = _rows(products, markets)
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


def version_after(version: str, body: bytes) -> str:
    """Return the version of a row of which only the document has changed."""
    return _digest(body) + version[_DIGITS:]


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
        "version": _version(body, product, market),
        "name": product.name,
        "category_ids": product.category_ids,
        "tags": product.tags,
        "skus": [variant["sku"].upper() for variant in document["variants"]],
        "price_minor": lowest_price(product, market),
        "in_stock": document["in_stock"],
        "published_at": product.created_at,
        "language": market.language,
        "labels": " ".join([*product.tags, product.brand]),
        "description": product.description[:SEARCHED_CHARACTERS],
    }


def _group_rows(
    facts: Sequence[ProductFacts], markets: Sequence[MarketFacts], rows: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return what groups read in place of ``rows``, where that is something else."""
    versions = {(row["product_id"], row["market_id"]): row["version"] for row in rows}
    return [
        row
        for product in facts
        for market in markets
        for group_id in groups_of(product, market)
        if (row := _group_row(product, market, group_id)) is not None
        and row["version"] != versions[product.id, market.id]
    ]


def _group_row(product: ProductFacts, market: MarketFacts, group_id: str) -> dict[str, Any] | None:
    document = render(product, market, group_id)
    if document is None:
        return None
    body = orjson.dumps(document)
    return {
        "id": new_id_text(),
        "product_id": product.id,
        "market_id": market.id,
        "group_id": group_id,
        "document": body.decode(),
        "version": _version(body, product, market),
        "price_minor": lowest_price(product, market, group_id),
    }


def _version(body: bytes, product: ProductFacts, market: MarketFacts) -> str:
    return _digest(body) + _circumstances(market.language, *product.category_ids)


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=_DIGITS // 2).hexdigest()


@lru_cache(maxsize=4096)
def _circumstances(*parts: str) -> str:
    """What the row holds beside the document: where it changes, so does the version."""
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=4).hexdigest()
