"""How products are shown: to the public, to customer groups and to staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from core import money
from products.domain.facts import MarketFacts, ProductFacts, VariantFacts
from products.domain.offers import ListRow, amount_for_one, compared, deciding

# PostgreSQL refuses a text search vector of a megabyte; this much of a description is searched.
SEARCHED_CHARACTERS = 50_000


class Shown(NamedTuple):
    """What a variant costs whoever reads a document. ``lowest_minor`` is that of the 30 days before a reduction."""

    amount_minor: int
    compare_at_minor: int | None
    lowest_minor: int | None
    tiers: Sequence[ListRow]


def render(product: ProductFacts, market: MarketFacts, group_id: str | None = None) -> dict[str, Any] | None:
    """Return the product as the public, or a customer group, reads it in that market; ``None`` where it is not sold.

    Sold are the variants with a price in the market's currency; the product's price is that of the cheapest of them.
    """
    sold = [variant for variant in product.variants if market.currency in variant.prices]
    if not sold or not product.is_active or product.deleted_at is not None:
        return None
    costs = [shown_price(variant, market, group_id) for variant in sold]
    shown = [_cost(cost, market.currency) for cost in costs]
    return {
        "id": product.id,
        "name": product.name,
        "slug": product.slug,
        "description": product.description,
        "description_html": product.description_html,
        "category": dict(product.category),
        "tags": product.tags,
        "brand": product.brand,
        "tax_class": product.tax_class,
        "market": market.code,
        **shown[costs.index(min(costs, key=_amount))],
        "in_stock": any(variant.is_available for variant in sold),
        "images": product.images,
        "options": product.options,
        "attributes": dict(product.attributes),
        "variants": [
            {
                **_described(variant, product.options),
                **prices,
                "quantity_prices": [_tier(tier, market.currency) for tier in cost.tiers if tier.min_quantity > 1],
            }
            for variant, cost, prices in zip(sold, costs, shown, strict=True)
        ],
        "rating": {"average": 0, "count": 0},
        "is_active": True,
        "created_at": _time(product.created_at),
        "updated_at": _time(product.updated_at),
    }


def shown_price(variant: VariantFacts, market: MarketFacts, group_id: str | None = None) -> Shown:
    """Return what the variant costs the public, or a customer group, in a market whose currency it has a price in.

    What it cost before a reduction is kept, and told, of prices for everybody (Directive 98/6/EC, Article 6a).
    """
    base, compare_at = variant.prices[market.currency]
    tiers = deciding([row for row in variant.listed if _is_for(row, market, group_id)]) if variant.listed else ()
    amount = amount_for_one(base or 0, tiers)
    reference = compared(amount, base or 0, compare_at)
    lowest = None
    if reference is not None and not (tiers and tiers[0].group_id):
        general = variant.lowest.get((market.currency, None))
        lowest = variant.lowest.get((market.currency, market.id), general)
    return Shown(amount, reference, lowest, tiers)


def lowest_price(product: ProductFacts, market: MarketFacts, group_id: str | None = None) -> int:
    """Return the price, in minor units, that lists of that market go by."""
    sold = (variant for variant in product.variants if market.currency in variant.prices)
    return min(shown_price(variant, market, group_id).amount_minor for variant in sold)


def groups_of(product: ProductFacts, market: MarketFacts) -> list[str]:
    """Return the customer groups that have lists of their own with a variant of the product in that market."""
    rows = (row for variant in product.variants for row in variant.listed)
    return sorted({row.group_id for row in rows if row.group_id and _is_for(row, market, row.group_id)})


def _is_for(row: ListRow, market: MarketFacts, group_id: str | None) -> bool:
    is_there = row.currency == market.currency and row.market_id in (None, market.id)
    return is_there and row.group_id in (None, group_id)


def _amount(cost: Shown) -> int:
    return cost.amount_minor


def show_availability(document: dict[str, Any], available: Mapping[str, bool]) -> None:
    """Change in a rendered document which variants (id -> whether any unit is free) can be had, as ``render`` would."""
    for variant in document["variants"]:
        variant["in_stock"] = available.get(variant["id"], variant["in_stock"])
    document["in_stock"] = any(variant["in_stock"] for variant in document["variants"])


def _described(variant: VariantFacts, options: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": variant.id,
        "sku": variant.sku,
        "options": _in_order(variant.options, options) if variant.options else {},
        "in_stock": variant.is_available,
        "weight_grams": variant.weight_grams,
        "needs_shipping": variant.needs_shipping,
        "is_gift_card": variant.is_gift_card,
    }


def _in_order(chosen: Mapping[str, str], options: list[dict[str, Any]]) -> dict[str, str]:
    ordered = [option["name"] for option in options if option["name"] in chosen]
    ordered += [name for name in chosen if name not in ordered]
    return {name: chosen[name] for name in ordered}


def _cost(cost: Shown, currency: str) -> dict[str, Any]:
    return {
        "price": money.as_document(cost.amount_minor, currency),
        "compare_at_price": _or_none(cost.compare_at_minor, currency),
        "lowest_price_30d": _or_none(cost.lowest_minor, currency),
    }


def _tier(tier: ListRow, currency: str) -> dict[str, Any]:
    return {"quantity": tier.min_quantity, "price": money.as_document(tier.amount_minor, currency)}


def _prices(variant: VariantFacts, currency: str) -> dict[str, Any]:
    amount, compare_at = variant.prices[currency]
    return {
        "price": money.as_document(amount or 0, currency),
        "compare_at_price": _or_none(compare_at, currency),
    }


def _or_none(minor: int | None, currency: str) -> dict[str, str] | None:
    return None if minor is None else money.as_document(minor, currency)


@lru_cache(maxsize=256)
def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffProduct:
    """A product as staff see it, with the version that ``If-Match`` takes."""

    document: Mapping[str, Any]
    version: str


def version_of(updated_at: datetime) -> str:
    """Return the version of a product as staff see it."""
    return f"{int(updated_at.timestamp() * 1_000_000):x}"


def render_for_staff(product: ProductFacts, *, currency: str, units: Mapping[str, int]) -> dict[str, Any]:
    """Return the product with everything: the public shape, all prices of all variants, its state, live stock.

    :param currency: the one in which ``price`` and ``compare_at_price`` stand; they are null where there is none
    :param units: variant id -> free units
    """
    priced = [variant for variant in product.variants if currency in variant.prices]
    cheapest = min(priced, key=lambda variant: variant.prices[currency][0] or 0, default=None)
    nothing = {"price": None, "compare_at_price": None}
    variants = [
        {
            **_described(variant, product.options),
            **(_prices(variant, currency) if currency in variant.prices else nothing),
            "prices": [_prices(variant, code) for code in sorted(variant.prices)],
        }
        for variant in product.variants
    ]
    living = {variant.id: units.get(variant.id, 0) for variant in product.variants}
    return {
        "id": product.id,
        "name": product.name,
        "slug": product.slug,
        "description": product.description,
        "description_html": product.description_html,
        "category": dict(product.category),
        "tags": product.tags,
        "brand": product.brand,
        "tax_class": product.tax_class,
        **(_prices(cheapest, currency) if cheapest else nothing),
        "in_stock": any(variant.is_available for variant in product.variants),
        "images": product.images,
        "options": product.options,
        "attributes": dict(product.attributes),
        "variants": variants,
        "rating": {"average": 0, "count": 0},
        "is_active": product.is_active,
        "created_at": _time(product.created_at),
        "updated_at": _time(product.updated_at),
        "deleted_at": None if product.deleted_at is None else _time(product.deleted_at),
        "stock": {"total": sum(living.values()), "variants": living},
    }
