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
from products.domain import SEARCHED_CHARACTERS, MarketFacts, ProductFacts, groups_of, lowest_price, render

# Of a version: the first digits are of the document, the other eight of what the row holds beside it.
_DIGITS = 24

# What the database is given for a row. What lists and searches go by besides, it takes from the product.
_GIVEN = """
    id uuid, product_id uuid, market_id uuid, slug text, document text, version text, category_ids uuid[], skus text[],
    price_minor bigint, in_stock boolean, language text
"""
INSERT_GIVEN = f"""
    INSERT INTO products_productdocument AS d (
        id, product_id, market_id, slug, document, version, name, category_ids, tags, skus, price_minor, in_stock,
        rating, published_at, search)
    SELECT g.id, g.product_id, g.market_id, g.slug, g.document, g.version, p.name, g.category_ids, p.tags, g.skus,
           g.price_minor, g.in_stock, 0, p.created_at,
           products_search_vector(g.language, p.name, array_to_string(g.skus, ' '),
                                  array_to_string(p.tags || p.brand, ' '), left(p.description, {SEARCHED_CHARACTERS}))
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
        {INSERT_GIVEN}
          FROM given g JOIN products_product p ON p.id = g.product_id
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
"""  # nosec B608  # noqa: S608 - of constants


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


def version_after(version: str, body: bytes) -> str:
    """Return the version of a row of which only the document has changed."""
    return _digest(body) + version[_DIGITS:]


def _rows(products: Sequence[ProductFacts], markets: Sequence[MarketFacts]) -> list[dict[str, Any]]:
    return [row for product in products for market in markets if (row := _row(product, market)) is not None]


def _row(product: ProductFacts, market: MarketFacts) -> dict[str, Any] | None:
    row = row_of(product, market)
    if row is not None:
        row["id"] = new_id_text()
        row["version"] = version_of_row(row["document"].encode(), market.language, product.category_ids)
    return row


def row_of(product: ProductFacts, market: MarketFacts) -> dict[str, Any] | None:
    """Return what is given for a product's row in a market, but for id and version; ``None`` where it is not sold."""
    document = render(product, market)
    if document is None:
        return None
    return {
        "product_id": product.id,
        "market_id": market.id,
        "slug": product.slug,
        "document": orjson.dumps(document).decode(),
        "category_ids": product.category_ids,
        "skus": [variant["sku"].upper() for variant in document["variants"]],
        "price_minor": lowest_price(product, market),
        "in_stock": document["in_stock"],
        "language": market.language,
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
        "version": version_of_row(body, market.language, product.category_ids),
        "price_minor": lowest_price(product, market, group_id),
    }


def version_of_row(body: bytes, language: str, category_ids: Sequence[str]) -> str:
    """Return the version of a row: it changes with the document, and with what the row holds beside it."""
    return _digest(body) + _circumstances(language, *category_ids)


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=_DIGITS // 2).hexdigest()


@lru_cache(maxsize=4096)
def _circumstances(*parts: str) -> str:
    """What the row holds beside the document: where it changes, so does the version."""
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=4).hexdigest()
