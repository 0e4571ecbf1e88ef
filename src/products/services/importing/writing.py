"""Handing a batch of rows to the catalogue.

Facts of an import are not announced: thousands of mails about new products are of no use to anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Count

from core.transactions import command, step
from products.domain import MarketFacts, NewImage, NewProduct, NewVariant
from products.errors import ProductInvalid
from products.models import ImportRun, Variant
from products.services.bulk import lock_places, write_drafts, write_new
from products.services.drafts import Draft, draft_product
from products.services.importing.rows import ProductRow
from products.services.importing.tree import Path, ensure_paths, find_paths
from products.services.importing.turns import FellBehind, NotNew, PathsMissing, Turn
from products.services.slugs import choose_slugs, lock_slugs, share_slugs

# The category of a draft is known when its batch is written.
_NOWHERE = UUID(int=0)
# What batches look rows up by.
_KEYS = (
    "products_category",
    "products_product (id, slug, category_id)",
    "products_variant (id, sku, product_id)",
    "products_price (variant_id)",
    "products_productimage (product_id)",
    "products_productdocument (market_id, product_id)",
)
# What shoppers and staff look for.
_SEARCHED = (
    "products_category",
    "products_product (id, created_at, name, slug, category_id, tags, brand, is_active, deleted_at)",
    "products_variant",
    "products_price",
    "products_productimage (id, product_id, position)",
    (
        "products_productdocument (market_id, product_id, slug, name, category_ids, tags, skus, price_minor, in_stock,"
        " rating, published_at, search)"
    ),
)


@dataclass
class Tally:
    """How many rows became what."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0

    def add(self, more: Tally) -> None:
        """Count another batch in."""
        self.created += more.created
        self.changed += more.changed
        self.unchanged += more.unchanged


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A row that is ready to be written. ``number`` is the progress that it means."""

    number: int
    line: int
    category: Path
    draft: Draft


def make_item(*, number: int, row: ProductRow, currency: str, at: datetime, markets: Sequence[MarketFacts]) -> Item:
    """Check a row as the catalogue does and make all of it that needs no database.

    :param markets: those that there are; if others are there when it is written, its documents are made anew
    :raises ProductInvalid, PriceInvalid: as ``check_new_product``
    """
    draft = draft_product(product=_product(row, currency), at=at, markets=markets)
    return Item(number=number, line=row.line, category=row.category, draft=draft)


@command
def write_batch(*, items: Sequence[Item], run_id: UUID, done: int, at: datetime) -> Tally:
    """Write rows, and with them how far the import has come. A constant number of statements.

    :param done: the row up to which all is written with this batch
    :param at: the time of the import: of what it makes, ``created_at``; the drafts are of that time
    :raises ProductInvalid: a SKU stood in an earlier row, or belongs to a product with several variants
    """
    lock_slugs()  # before the tree, as all who make products do
    _refuse_known({item.draft.sku for item in items}, at)
    categories = ensure_paths(paths={item.category for item in items}, at=at)
    for item in items:
        item.draft.category_id = categories[item.category]
    written = write_drafts(drafts=[item.draft for item in items], at=at)
    ImportRun.objects.filter(pk=run_id).update(rows_done=done)
    return Tally(written.created, written.changed, written.unchanged)


@command
def write_beside(*, items: Sequence[Item], run_id: UUID, turn: Turn, at: datetime) -> Tally:
    """Write rows of new products while the batch before is written; commit after it, with the progress.

    Whatever this does not take has to be written by ``write_batch``, when nothing else is under way.

    :raises NotNew: a product is there already
    :raises PathsMissing: so is not a category; nothing has been waited for
    :raises FellBehind: the batch before was not written
    :raises SkuTaken, SlugTaken, CategoryNotFound: somebody was a moment faster
    """
    turn.take()
    share_slugs()  # before the tree, as all who make products do
    _refuse_old([item.draft.sku for item in items])
    categories = find_paths(paths={item.category for item in items})
    if missing := {item.category for item in items} - categories.keys():
        raise PathsMissing(missing)
    drafts = [item.draft for item in items]
    for item in items:
        item.draft.category_id = categories[item.category]
    places = lock_places(category_ids=set(categories.values()))
    given = choose_slugs(choices=[draft.slugs for draft in drafts], beside=turn.slugs_before)
    turn.let_next_begin(given)
    write_new(drafts=drafts, given=given, places=places, at=at, reference="import")
    _check_keys()
    turn.wait_for_the_one_before()
    _go_on(run_id, turn)
    return Tally(created=len(items))


@command
def make_paths(*, paths: Collection[Path], at: datetime) -> None:
    """Make the categories of these paths that are not there."""
    ensure_paths(paths=paths, at=at)


def refresh_statistics() -> None:
    """Tell the database what its tables hold by now, so that it plans well before it would notice itself."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def refresh_plans() -> None:
    """Tell the database how the tables that an import fills have grown, as far as the next batches depend on it."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(_KEYS)}")


def refresh_catalogue_statistics() -> None:
    """Tell the database what the catalogue holds by now, but for the long texts that nothing is searched by."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(_SEARCHED)}")


@step
def _refuse_old(skus: Sequence[str]) -> None:
    if Variant.objects.filter(sku__any_of=skus).exists():
        raise NotNew


@step
def _check_keys() -> None:
    """Have the foreign keys checked now rather than at the commit, for which the next batch has to wait."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@step
def _go_on(run_id: UUID, turn: Turn) -> None:
    run = ImportRun.objects.filter(pk=run_id).locked().get()
    if run.rows_done != turn.after:
        raise FellBehind
    ImportRun.objects.filter(pk=run_id).update(rows_done=turn.done)


@step
def _refuse_known(skus: set[str], at: datetime) -> None:
    known = list(Variant.objects.filter(sku__any_of=skus).values_list("sku", "product_id", "created_at"))
    if not known:
        return
    _refuse([sku for sku, _, made_at in known if made_at == at], "stands in an earlier row")
    siblings = Variant.objects.filter(product__any_of={product_id for _, product_id, _ in known})
    several = set(
        siblings.values("product_id").annotate(n=Count("pk")).filter(n__gt=1).values_list("product_id", flat=True)
    )
    _refuse(
        [sku for sku, product_id, _ in known if product_id in several], "belongs to a product with several variants"
    )


def _refuse(skus: Collection[str], reason: str) -> None:
    if skus:
        raise ProductInvalid(f"sku: {', '.join(sorted(skus))} {reason}", field="sku")


def _product(row: ProductRow, currency: str) -> NewProduct:
    variant = NewVariant(
        sku=row.sku,
        price_minor=row.price_minor,
        currency=currency,
        compare_at_minor=row.compare_at_minor,
        weight_grams=row.weight_grams,
        stock=row.stock or 0,
        needs_shipping=row.needs_shipping,
        is_gift_card=row.is_gift_card,
    )
    return NewProduct(
        name=row.name,
        category_id=_NOWHERE,
        variants=[variant],
        description=row.description,
        tags=row.tags,
        brand=row.brand,
        attributes=row.attributes,
        tax_class=row.tax_class,
        images=[NewImage(source_url=url, alt=row.name) for url in row.images],
    )
