"""Rendering: the read table follows what it shows, in the same transaction.

Every render locks its products first and reads after the lock. Whoever comes second therefore sees what the first
committed, and the document that stays is the one that shows both. Writers change rows first and render then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from core import outbox
from core.kept import announce_change
from core.sql import uuid_array
from core.transactions import command, step
from markets import selectors as market_reads
from products.domain import MarketFacts
from products.domain import show_availability as show_availability_in
from products.events import MarketPartRendered, ProductsRendered
from products.models import Category, GroupDocument, Product, ProductDocument
from products.selectors.facts import load_facts
from products.services.document_rows import version_after, write_rows

_BATCH = 500
# So many are rendered in one transaction where a market wants all of them.
_PART = 2000
_postponed: ContextVar[set[UUID] | None] = ContextVar("postponed", default=None)

_READ = """
    SELECT id, document, version FROM products_productdocument WHERE product_id = ANY(%(products)s::uuid[])
    UNION ALL
    SELECT id, document, version FROM products_groupdocument WHERE product_id = ANY(%(products)s::uuid[])
"""
_SHOW_AVAILABILITY = """
    WITH changed AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(%s::jsonb) AS c (id uuid, document text, version text, in_stock boolean)),
    of_groups AS (
        UPDATE products_groupdocument o SET document = c.document, version = c.version
          FROM changed c WHERE o.id = c.id)
    UPDATE products_productdocument d
       SET document = c.document, version = c.version, in_stock = c.in_stock
      FROM changed c WHERE d.id = c.id
"""


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
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"products": uuid_array(product_ids)})
        changed = [_with_availability(pk, body, version, shown) for pk, body, version in cursor.fetchall()]
        cursor.execute(_SHOW_AVAILABILITY, [orjson.dumps(changed).decode()])
    announce_change(at=timezone.now())


def _with_availability(pk: UUID, body: str, version: str, available: Mapping[str, bool]) -> dict[str, Any]:
    document = orjson.loads(body)
    show_availability_in(document, available)
    changed = orjson.dumps(document)
    return {
        "id": pk,
        "document": changed.decode(),
        "version": version_after(version, changed),
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
def render_market(*, market_id: UUID, after: UUID | None = None, at: datetime) -> None:
    """Write the market's documents of the next 2,000 products in id order, and announce the part if more may follow.

    So nobody waits for the locks of a whole catalogue, and what a crash undoes is one part. Of a market that is closed,
    all documents are removed. The first part waits for whoever writes products and may know the market as it was.

    :param after: the last product of the part before; ``None`` to begin
    """
    if after is None:
        _wait_for_writers()
    if not list_markets(market_id):
        GroupDocument.objects.filter(market_id=market_id).delete()
        ProductDocument.objects.filter(market_id=market_id).delete()
        announce_change(at=at)
        return
    rows = Product.objects.filter(pk__gt=after) if after else Product.objects.all()
    part = list(rows.order_by("pk").values_list("pk", flat=True)[:_PART])
    render_products(product_ids=part, market_id=market_id)
    if len(part) == _PART:
        outbox.publish(MarketPartRendered(market_id=market_id, after=part[-1]), at=at)


@step
def _wait_for_writers() -> None:
    """Wait until the products that are being written are committed, and hold nobody up from then on.

    They are not to be seen before, and whoever wrote them has read which markets there are.
    """
    before = transaction.savepoint()
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE products_product IN SHARE MODE")
    transaction.savepoint_rollback(before)


def _render(product_ids: Sequence[UUID], market_id: UUID | None) -> set[UUID]:
    changed: set[UUID] = set()
    markets = list_markets(market_id) if product_ids else []
    for start in range(0, len(product_ids), _BATCH):
        batch = product_ids[start : start + _BATCH]
        differing = write_rows(batch, markets, load_facts(product_ids=batch))
        announce_rendered(differing)
        changed |= differing
    return changed


@step
def announce_rendered(product_ids: Collection[UUID]) -> None:
    """Tell of documents that have changed, where a search engine or caches follow them. One event for each."""
    if not product_ids:
        return
    announce_change(at=timezone.now())
    if settings.SEARCH_URL:
        outbox.publish(ProductsRendered(product_ids=sorted(product_ids)), at=timezone.now())


def list_markets(market_id: UUID | None = None) -> list[MarketFacts]:
    """Return what documents depend on of all active markets, or of one if it is active. One query."""
    rows = market_reads.list_markets().values_list("pk", "code", "currency", "language")
    return [
        MarketFacts(id=str(pk), code=code, currency=currency, language=language)
        for pk, code, currency, language in rows
        if market_id in (None, pk)
    ]


@command
def rebuild_documents(*, after: UUID | None = None, most: int = _BATCH) -> tuple[UUID | None, set[UUID]]:
    """Render the next products in id order again; return the last of them, and those whose documents differed.

    :param after: the last of the batch before; ``None`` to begin
    :returns: ``None`` as the last when there are no more
    """
    rows = Product.all_objects.order_by("pk")
    found = list((rows.filter(pk__gt=after) if after else rows).values_list("pk", flat=True)[:most])
    return (found[-1] if found else None), render_products(product_ids=found)
