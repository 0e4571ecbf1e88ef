"""Loading many products at once: a constant number of statements per batch, whatever its size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from core import money, outbox
from core.ids import new_id
from core.transactions import command, step
from products import domain
from products.domain import NewProduct, NewVariant, Written
from products.errors import CategoryNotFound, PriceInvalid, ProductInvalid
from products.events import StockDeclared
from products.models import FormerSlug, Product, Variant
from products.services import slugs
from products.services.documents import lock_products, render_once, render_products
from products.services.merging import merge_products
from products.services.variants import check_options


@command
def create_many(
    *, products: Sequence[NewProduct], at: datetime, reference: str = "import", actor_id: UUID | None = None
) -> Written:
    """Do as ``write_many`` does, in a transaction of its own."""
    return write_many(products=products, at=at, reference=reference, actor_id=actor_id)


@step
def write_many(
    *, products: Sequence[NewProduct], at: datetime, reference: str = "import", actor_id: UUID | None = None
) -> Written:
    """Write products with variants, prices, pictures, stock and documents; batches of 500 to 1,000 are best.

    A product whose first SKU is there already is brought to the given state: what is the same stays untouched, a
    second run changes nothing. Stock is declared for new variants only, since that of others has moved on.

    :raises ProductInvalid, PriceInvalid: what ``check_new_product`` refuses, or a SKU stands there twice
    :raises CategoryNotFound: a category is not there
    """
    for product in products:
        check_new_product(product)
    _check_distinct(products)
    slugs.lock_slugs()
    known = _known([product.variants[0].sku for product in products])
    lock_products(product_ids=set(known.values()))
    _lock_categories({product.category_id for product in products})
    new = [product for product in products if product.variants[0].sku not in known]
    old = {known[p.variants[0].sku]: p for p in products if p.variants[0].sku in known}

    rows = _Rows(at=at)
    for product, slug in zip(new, _slugs_for(new), strict=True):
        rows.add_product(product, slug)
    with slugs.refused_when_taken(), render_once():
        changed = merge_products(old, at=at, add_variant=rows.add_variant) if old else set()
        rows.write()
        if rows.units:
            outbox.publish(StockDeclared(units=rows.units, actor_id=actor_id, reference=reference), at=at)
        render_products(product_ids=[*rows.product_ids, *changed])
    return Written(created=len(new), changed=len(changed), unchanged=len(old) - len(changed))


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


def _check_distinct(products: Iterable[NewProduct]) -> None:
    seen: set[str] = set()
    for product in products:
        for variant in product.variants:
            if variant.sku in seen:
                raise ProductInvalid("A SKU stands there twice.", field="sku", sku=variant.sku)
            seen.add(variant.sku)


def _known(skus: Sequence[str]) -> dict[str, UUID]:
    return dict(Variant.objects.filter(sku__in=skus).values_list("sku", "product_id"))


def _lock_categories(wanted: set[UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM products_category WHERE id = ANY(%s) ORDER BY id FOR SHARE", [list(wanted)])
        found = {row[0] for row in cursor.fetchall()}
    if missing := wanted - found:
        raise CategoryNotFound(category=str(min(missing)))


def _slugs_for(products: Sequence[NewProduct]) -> list[str]:
    """Return a free slug for each; a taken one gets the product's SKU behind it, and a random end if that is taken."""
    bases = [p.slug or domain.make_slug(p.name, fallback=p.variants[0].sku.lower()[:20]) for p in products]
    longer = [
        domain.make_slug(f"{base[:60]} {p.variants[0].sku}", fallback="sku")
        for base, p in zip(bases, products, strict=True)
    ]
    wanted = [*bases, *longer]
    taken = set(Product.objects.filter(slug__in=wanted).values_list("slug", flat=True))
    taken |= set(FormerSlug.objects.filter(slug__in=wanted).values_list("slug", flat=True))
    given = []
    for choices in zip(bases, longer, strict=True):
        slug = next((choice for choice in choices if choice not in taken), f"{choices[0][:100]}-{new_id().hex[-12:]}")
        taken.add(slug)
        given.append(slug)
    return given


@dataclass
class _Rows:
    """The rows of a batch, gathered for one COPY per table."""

    at: datetime
    products: list[tuple[Any, ...]] = field(default_factory=list)
    variants: list[tuple[Any, ...]] = field(default_factory=list)
    prices: list[tuple[Any, ...]] = field(default_factory=list)
    images: list[tuple[Any, ...]] = field(default_factory=list)
    units: dict[str, int] = field(default_factory=dict)

    @property
    def product_ids(self) -> list[UUID]:
        return [row[0] for row in self.products]

    def add_product(self, product: NewProduct, slug: str) -> None:
        pk = new_id()
        self.products.append(
            (
                pk, self.at, self.at, product.name, slug, product.category_id, product.description,
                list(product.tags), product.brand, _json(product.options), _json(product.attributes), True,
            )
        )  # fmt: skip
        for position, variant in enumerate(product.variants):
            self.add_variant(pk, variant, position)
        for position, image in enumerate(product.images):
            self.images.append((new_id(), self.at, self.at, pk, "", image.alt, 0, 0, position, "{}", image.source_url))

    def add_variant(self, product_id: UUID, variant: NewVariant, position: int) -> None:
        pk = new_id()
        self.variants.append(
            (
                pk, self.at, self.at, product_id, variant.sku, _json(variant.options), position,
                variant.weight_grams, False,
            )
        )  # fmt: skip
        if variant.price_minor is not None:
            self.prices.append(
                (
                    new_id(), self.at, self.at, pk, variant.currency, variant.price_minor, variant.compare_at_minor,
                )
            )  # fmt: skip
        self.units[str(pk)] = variant.stock or 0

    def write(self) -> None:
        _copy(_PRODUCTS, self.products)
        _copy(_VARIANTS, self.variants)
        _copy(_PRICES, self.prices)
        _copy(_IMAGES, self.images)


_PRODUCTS = (
    "products_product (id, created_at, updated_at, name, slug, category_id, description, tags, brand, options,"
    " attributes, is_active)"
)
_VARIANTS = (
    "products_variant (id, created_at, updated_at, product_id, sku, options, position, weight_grams, is_available)"
)
_PRICES = "products_price (id, created_at, updated_at, variant_id, currency, amount_minor, compare_at_minor)"
_IMAGES = (
    "products_productimage (id, created_at, updated_at, product_id, file, alt, width, height, position, thumbnails,"
    " source_url)"
)


def _json(value: Any) -> str:
    return orjson.dumps(_plain(value)).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _copy(target: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
