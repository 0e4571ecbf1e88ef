"""Loading many products at once: a constant number of statements per batch, whatever its size."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from core import outbox
from core.transactions import command, step
from products.domain import CategoryFacts, NewProduct, Written
from products.errors import CategoryNotFound, ProductInvalid
from products.events import StockDeclared
from products.models import Variant
from products.services import slugs
from products.services.bulk_rows import BulkRows
from products.services.documents import list_markets, lock_products, render_once, render_products
from products.services.drafts import Draft, draft_product
from products.services.merging import merge_products
from products.services.sketches import Place, place_of
from products.services.tree import share_tree


@command
def create_many(
    *, products: Sequence[NewProduct], at: datetime, reference: str = "import", actor_id: UUID | None = None
) -> Written:
    """Write products with variants, prices, pictures, stock and documents; batches of 500 to 1,000 are best.

    A product whose first SKU is there already is brought to the given state: what is the same stays untouched, a
    second run changes nothing. Stock is declared for new variants only, since that of others has moved on.

    :raises ProductInvalid, PriceInvalid: what ``check_new_product`` refuses, or a SKU stands there twice
    :raises CategoryNotFound: a category is not there
    """
    markets = list_markets()
    drafts = [draft_product(product=product, at=at, markets=markets) for product in products]
    return write_drafts(drafts=drafts, at=at, reference=reference, actor_id=actor_id)


@step
def write_drafts(
    *, drafts: Sequence[Draft], at: datetime, reference: str = "import", actor_id: UUID | None = None
) -> Written:
    """Do as ``create_many`` does, with products of which drafts were made for that same time.

    :raises ProductInvalid: a SKU stands there twice
    :raises CategoryNotFound: a category is not there
    """
    _check_distinct(drafts)
    slugs.lock_slugs()
    share_tree()
    known = _known({draft.sku for draft in drafts})
    lock_products(product_ids=set(known.values()))
    places = lock_places(category_ids={draft.category_id for draft in drafts})
    new = [draft for draft in drafts if draft.sku not in known]
    old = {known[draft.sku]: draft.placed() for draft in drafts if draft.sku in known}

    rows = BulkRows(at=at, places=places)
    for draft, slug in zip(new, slugs.choose_slugs(choices=[draft.slugs for draft in new]), strict=True):
        rows.add_product(draft, slug)
    with slugs.refused_when_taken(), render_once():
        changed = merge_products(old, at=at, add_variant=rows.add_variant) if old else set()
        _write(rows, at, reference, actor_id)
        render_products(product_ids=changed)
    return Written(created=len(new), changed=len(changed), unchanged=len(old) - len(changed))


@step
def write_new(
    *, drafts: Sequence[Draft], given: Sequence[str], places: Mapping[UUID, Place], at: datetime, reference: str
) -> None:
    """Write new products with these slugs in these categories. The caller has the locks.

    :raises SkuTaken, SlugTaken: somebody was a moment faster
    """
    rows = BulkRows(at=at, places=places)
    for draft, slug in zip(drafts, given, strict=True):
        rows.add_product(draft, slug)
    with slugs.refused_when_taken(), render_once():
        _write(rows, at, reference, None)


def _write(rows: BulkRows, at: datetime, reference: str, actor_id: UUID | None) -> None:
    rows.write()
    if rows.units:
        outbox.publish(StockDeclared(units=rows.units, actor_id=actor_id, reference=reference), at=at)
    # Whoever opens a market waits for those who have written products, and they are told of it if it is open.
    rows.write_documents(list_markets())


def _check_distinct(drafts: Iterable[Draft]) -> None:
    seen: set[str] = set()
    for draft in drafts:
        for variant in draft.product.variants:
            if variant.sku in seen:
                raise ProductInvalid("A SKU stands there twice.", field="sku", sku=variant.sku)
            seen.add(variant.sku)


def _known(skus: set[str]) -> dict[str, UUID]:
    return dict(Variant.objects.filter(sku__any_of=skus).values_list("sku", "product_id"))


@step
def lock_places(*, category_ids: Collection[UUID]) -> dict[UUID, Place]:
    """Keep these categories as they are till the commit, and return them as documents need them. One statement.

    :raises CategoryNotFound: one is not there
    """
    wanted = set(category_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, name, slug, path, ancestor_ids FROM products_category WHERE id = ANY(%s) ORDER BY id FOR SHARE",
            [list(wanted)],
        )
        found = {
            pk: place_of(
                CategoryFacts(
                    document={"id": str(pk), "name": name, "slug": slug, "path": path},
                    ancestor_ids=[str(ancestor) for ancestor in ancestor_ids],
                )
            )
            for pk, name, slug, path, ancestor_ids in cursor.fetchall()
        }
    if missing := wanted - found.keys():
        raise CategoryNotFound(category=str(min(missing)))
    return found
