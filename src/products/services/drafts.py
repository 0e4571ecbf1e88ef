"""Drafts: what a bulk load writes of a product, made without the database, and so while that works on others.

Left open are the slug and the category, which are known only under the locks of the load.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from core import money
from core.ids import new_id_text
from core.lookups import array_literal
from core.sql import copied
from products import domain
from products.domain import (
    STANDARD_TAX_CLASS,
    MarketFacts,
    NewImage,
    NewProduct,
    NewVariant,
    ProductFacts,
    VariantFacts,
)
from products.errors import PriceInvalid, ProductInvalid
from products.selectors.facts import image_document, to_html
from products.services.sketches import CATEGORY_BLANK, SLUG_BLANK, Sketches, sketch_documents
from products.services.variants import check_options, check_tax_class

_NULL = "\\N"


@dataclass(slots=True, kw_only=True)
class VariantDraft:
    """A variant's rows, what shows of it, and the units to declare. ``point`` is the first of its price history.

    Rows here and below are lines for COPY, of which the columns stand in ``bulk_rows``.
    """

    row: str
    price: str
    point: str
    facts: VariantFacts
    units: int


@dataclass(slots=True, kw_only=True)
class Draft:
    """A product as it is written if it is new. ``slugs`` are those it wants, the likeliest first.

    ``row`` is the product's own, without slug and category, and so are ``facts``.
    """

    product: NewProduct
    category_id: UUID
    sku: str
    slugs: tuple[str, str]
    row: str
    image_rows: list[str]
    variants: list[VariantDraft]
    facts: ProductFacts
    documents: Sketches

    def placed(self) -> NewProduct:
        """Return the product in the draft's category."""
        return replace(self.product, category_id=self.category_id)


def draft_product(*, product: NewProduct, at: datetime, markets: Sequence[MarketFacts]) -> Draft:
    """Check a product and make its draft, with the documents that it gets in these markets.

    :raises ProductInvalid, PriceInvalid: as ``check_new_product``
    """
    check_new_product(product)
    pk, moment = new_id_text(), at.isoformat()
    variants = [draft_variant(pk, variant, place, moment) for place, variant in enumerate(product.variants)]
    images = [(new_id_text(), image) for image in product.images]
    facts = _facts(product, pk, at, variants, images)
    return Draft(
        product=product,
        category_id=product.category_id,
        sku=product.variants[0].sku,
        slugs=_slugs(product),
        row=_product_row(facts, moment),
        image_rows=[_image_row(key, pk, image, place, moment) for place, (key, image) in enumerate(images)],
        variants=variants,
        facts=facts,
        documents=sketch_documents(facts, markets),
    )


def _facts(
    product: NewProduct, pk: str, at: datetime, variants: list[VariantDraft], images: Sequence[tuple[str, NewImage]]
) -> ProductFacts:
    return ProductFacts(
        id=pk,
        name=product.name,
        slug=SLUG_BLANK,
        description=product.description,
        description_html=to_html(product.description),
        tags=list(product.tags),
        brand=product.brand,
        options=as_stored(product.options),
        attributes=as_stored(product.attributes),
        is_active=True,
        deleted_at=None,
        created_at=at,
        updated_at=at,
        category=CATEGORY_BLANK,
        category_ids=[],
        tax_class=product.tax_class or STANDARD_TAX_CLASS,
        images=[image_document(key, "", image.alt, 0, 0, {}, image.source_url) for key, image in images],
        variants=[variant.facts for variant in variants],
    )


def _product_row(facts: ProductFacts, at: str) -> str:
    texts = "\t".join(map(copied, (facts.name, facts.description, array_literal(facts.tags), facts.brand)))
    return f"{facts.id}\t{at}\t{at}\t{texts}\t{_json(facts.options)}\t{_json(facts.attributes)}\tt\t{facts.tax_class}\n"


def draft_variant(product_id: str, variant: NewVariant, position: int, at: str) -> VariantDraft:
    """Make the draft of a variant. It is available as its stock is declared; inventory takes that over."""
    pk, options, units = new_id_text(), as_stored(variant.options), variant.stock or 0
    is_card = variant.is_gift_card is True
    is_sent = variant.needs_shipping is not False and not is_card
    flags = "\t".join(map(_flag, (units > 0, is_sent, is_card)))
    amount, compare_at, prices, price, point = variant.price_minor, variant.compare_at_minor, {}, "", ""
    if amount is not None:
        prices = {variant.currency: (amount, compare_at)}
        price = f"{new_id_text()}\t{at}\t{at}\t{pk}\t{variant.currency}\t{amount}\t{_or_null(compare_at)}\n"
        point = f"{pk}\t{variant.currency}\t{amount}\t{_flag(compare_at is not None)}\t{at}\n"
    facts = VariantFacts(
        id=pk,
        sku=variant.sku,
        options=options,
        weight_grams=variant.weight_grams,
        is_available=units > 0,
        prices=prices,
        needs_shipping=is_sent,
        is_gift_card=is_card,
    )
    told = f"{variant.sku}\t{_json(options)}\t{position}\t{_or_null(variant.weight_grams)}"
    row = f"{pk}\t{at}\t{at}\t{product_id}\t{told}\t{flags}\n"
    return VariantDraft(row=row, price=price, point=point, facts=facts, units=units)


def check_new_product(product: NewProduct) -> None:
    """Check what can be checked without the database, so that an import can refuse one row and go on.

    :raises ProductInvalid: name, slug, SKUs, options or the number of variants are wrong
    :raises PriceInvalid: an amount is not a price in its currency
    """
    if not product.name.strip() or len(product.name) > 300:
        raise ProductInvalid("A name has 1 to 300 characters.", field="name")
    if product.slug is not None and not domain.is_slug(product.slug):
        raise ProductInvalid("A slug is made of ASCII letters, digits, - and _.", field="slug")
    if any(len(tag) > 100 for tag in product.tags) or len(product.brand) > 100:
        raise ProductInvalid("Tags and brands have up to 100 characters.", field="tags")
    if "\0" in product.name + product.description + product.brand:
        raise ProductInvalid("NUL characters are not allowed.", field="description")
    if product.tax_class is not None:
        check_tax_class(product.tax_class)
    check_options(product.options, [variant.options for variant in product.variants])
    for variant in product.variants:
        _check_variant(variant)


def _check_variant(variant: NewVariant) -> None:
    if not domain.is_sku(variant.sku):
        raise ProductInvalid("A SKU has 1 to 64 letters, digits or . _ / + # -", field="sku")
    if variant.stock is not None and variant.stock < 0:
        raise ProductInvalid("Stock is not negative.", field="stock")
    if variant.price_minor is None:
        return
    if not money.is_currency(variant.currency):
        raise PriceInvalid("The currency is not in ISO 4217.", field="currency")
    if not 0 <= variant.price_minor <= money.MAX_MINOR:
        raise PriceInvalid("A price is not negative, nor too large.", field="price")
    if variant.compare_at_minor is not None and not variant.price_minor < variant.compare_at_minor <= money.MAX_MINOR:
        raise PriceInvalid("It must be higher than the price.", field="compare_at_price")


def _slugs(product: NewProduct) -> tuple[str, str]:
    """Return the slug, and the one with the SKU behind it."""
    sku = product.variants[0].sku
    base = product.slug or domain.make_slug(product.name, fallback=sku.lower()[:20])
    return base, domain.make_slug(f"{base[:60]} {sku}", fallback="sku")


def _image_row(pk: str, product_id: str, image: NewImage, position: int, at: str) -> str:
    alt, address = copied(image.alt), copied(image.source_url)
    return f"{pk}\t{at}\t{at}\t{product_id}\t\t{alt}\t0\t0\t{position}\t{{}}\t{address}\n"


def _flag(value: bool) -> str:
    return "t" if value else "f"


def _or_null(number: int | None) -> str:
    return _NULL if number is None else str(number)


def as_stored(value: Any) -> Any:
    """Return a JSON value as ``jsonb`` gives it back: keys by length, then by bytes (``lengthCompareJsonbString``)."""
    if isinstance(value, (dict, Mapping)):
        return {key: as_stored(value[key]) for key in sorted(value, key=_key_order)}
    if isinstance(value, (list, tuple)):
        return [as_stored(item) for item in value]
    return _number_as_stored(value) if isinstance(value, float) else value


def _number_as_stored(number: float) -> float:
    """``numeric`` knows no negative zero and no exponents: what is long and fits into 64 bits comes back whole."""
    whole = int(Decimal(repr(number))) if 1e16 <= abs(number) < 2e19 else 0
    return whole if whole and -(2**63) <= whole < 2**64 else number + 0.0


def _key_order(key: str) -> tuple[int, bytes]:
    text = key.encode()
    return len(text), text


def _json(value: Any) -> str:
    """Return a JSON value as it stands in a line for COPY."""
    return copied(orjson.dumps(value).decode())
