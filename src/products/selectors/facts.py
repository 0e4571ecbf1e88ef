"""Everything that shows of a product, whoever reads it: the source of documents and of what staff see."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from html import escape
from typing import Any
from uuid import UUID

import nh3
import orjson
from django.core.files.storage import default_storage
from markdown_it import MarkdownIt

from core.statements import fetch
from products.domain import ListRow, ProductFacts, VariantFacts

# What a text without Markdown or HTML is made of, but for some pairs of these: see ``_is_plain``.
_PLAIN = re.compile(r"[\w ,.;:!?'()/%£€$+\"\u2013\u2014\u2019-]*")
_ALLOWED_TAGS = {
    "a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")

# Of each series of points whose last is an announced reduction: the lowest price that was in force at any moment of the
# 30 days before (Directive 98/6/EC, Article 6a). Before its own first point a market had the prices of all.
_LOWEST = """(
    SELECT json_agg(json_build_array(last.currency, last.market_id, (
               SELECT min(w.amount_minor) FROM (
                   SELECT h.amount_minor, h.from_at, lead(h.from_at) OVER (ORDER BY h.id) AS until_at
                     FROM products_pricepoint h
                    WHERE h.variant_id = v.id AND h.currency = last.currency AND h.id <= last.id
                      AND (h.market_id IS NOT DISTINCT FROM last.market_id
                           OR h.market_id IS NULL AND h.id < last.first_id)) w
                WHERE w.until_at > w.from_at AND w.until_at > last.from_at - interval '30 days')))
      FROM (SELECT DISTINCT ON (h.currency, h.market_id)
                   h.id, h.currency, h.market_id, h.is_reduced, h.from_at,
                   min(h.id) OVER (PARTITION BY h.currency, h.market_id) AS first_id
              FROM products_pricepoint h
             WHERE h.variant_id = v.id ORDER BY h.currency, h.market_id, h.id DESC) last
     WHERE last.is_reduced)"""
_FACTS = """
    SELECT json_build_object(
        'id', p.id, 'name', p.name, 'slug', p.slug, 'description', p.description, 'tags', p.tags, 'brand', p.brand,
        'options', p.options, 'attributes', p.attributes, 'is_active', p.is_active, 'tax_class', p.tax_class,
        'category', json_build_object('id', c.id, 'name', c.name, 'slug', c.slug, 'path', c.path),
        'category_ids', c.ancestor_ids,
        'images', (
            SELECT json_agg(json_build_array(i.id, i.file, i.alt, i.width, i.height, i.thumbnails, i.source_url)
                            ORDER BY i.position, i.id)
              FROM products_productimage i WHERE i.product_id = p.id),
        'variants', (
            SELECT json_agg(json_build_array(v.id, v.sku, v.options, v.weight_grams, v.is_available, (
                       SELECT json_object_agg(r.currency, json_build_array(r.amount_minor, r.compare_at_minor))
                         FROM products_price r WHERE r.variant_id = v.id), v.needs_shipping,
                       v.is_gift_card, (
                       SELECT json_agg(json_build_array(l.id, l.name, l.priority, x.min_quantity, x.amount_minor,
                                                        l.currency, l.market_id, l.group_id))
                         FROM products_listprice x JOIN products_pricelist l ON l.id = x.price_list_id
                        WHERE x.variant_id = v.id AND l.is_shown), {lowest}) ORDER BY v.position, v.id)
              FROM products_variant v WHERE v.product_id = p.id AND v.deleted_at IS NULL)
        )::text, p.created_at, p.updated_at, p.deleted_at
      FROM products_product p JOIN products_category c ON c.id = p.category_id
     WHERE p.id = ANY(%s)
     ORDER BY p.id
""".replace("{lowest}", _LOWEST)  # nosec B608


def load_facts(*, product_ids: Sequence[UUID]) -> list[ProductFacts]:
    """Return what documents show of these products, deleted ones included, in id order. One query."""
    return [_facts(orjson.loads(text), *times) for text, *times in fetch(_FACTS, [list(product_ids)])]


def _facts(
    row: dict[str, Any], created_at: datetime, updated_at: datetime, deleted_at: datetime | None
) -> ProductFacts:
    row["images"] = [image_document(*image) for image in row["images"] or ()]
    row["variants"] = [_variant(*variant) for variant in row["variants"] or ()]
    return ProductFacts(
        **row,
        description_html=to_html(row["description"]),
        created_at=created_at,
        updated_at=updated_at,
        deleted_at=deleted_at,
    )


def _variant(
    pk: str,
    sku: str,
    options: dict[str, str],
    weight: int | None,
    available: bool,
    prices: dict[str, list[int | None]] | None,
    needs_shipping: bool,
    is_gift_card: bool,
    listed: list[list[Any]] | None,
    lowest: list[tuple[str, str | None, int | None]] | None,
) -> VariantFacts:
    return VariantFacts(
        id=pk,
        sku=sku,
        options=options,
        weight_grams=weight,
        is_available=available,
        prices=prices or {},
        needs_shipping=needs_shipping,
        is_gift_card=is_gift_card,
        listed=[ListRow(*row) for row in listed or ()],
        lowest={(currency, market): amount for currency, market, amount in lowest or ()},
    )


def image_document(
    pk: str, file: str, alt: str, width: int, height: int, thumbnails: Mapping[str, str], source_url: str
) -> dict[str, Any]:
    """Our copy of a picture; of an imported one without a copy, the address it came from."""
    return {
        "id": pk,
        "url": default_storage.url(file) if file else source_url,
        "alt": alt,
        "width": width,
        "height": height,
        "thumbnails": {size: default_storage.url(thumbnails[size]) for size in sorted(thumbnails, key=int)},
    }


@lru_cache(maxsize=1024)
def to_html(text: str) -> str:
    """Return a Markdown description as clean HTML: no raw HTML, no scripts, links of the web and of mail only."""
    if _is_plain(text):
        return f"<p>{escape(text, quote=False)}</p>\n" if text.strip() else ""
    return nh3.clean(_markdown.render(text), tags=_ALLOWED_TAGS, url_schemes={"http", "https", "mailto"})


def _is_plain(text: str) -> bool:
    """Tell whether the text is a paragraph as it stands: no markup, no list, nothing that is joined or broken."""
    if _PLAIN.fullmatch(text) is None or "--" in text or "  " in text:
        return False
    numbered = ". " in text and any(part[-1:].isdecimal() for part in text.split(". ")[:-1])
    return not numbered and not text.lstrip(" ").startswith(("-", "+"))
