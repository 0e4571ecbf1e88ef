"""What the catalogue does when others announce a fact, and in the background for its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from products.services import documents, images, indexing


def render_market(*, market_id: str, after: str | None = None, **_: object) -> None:
    """Render what a new or changed market lists, part by part: each announces the next."""
    documents.render_market(market_id=UUID(market_id), after=UUID(after) if after else None, at=timezone.now())


def make_thumbnails(*, image_id: str, **_: object) -> None:
    """Make the thumbnails of a new picture and show them."""
    images.make_thumbnails(image_id=UUID(image_id))


def index_products(*, facts: Sequence[Mapping[str, Any]], **_: object) -> None:
    """Have searches find products by what is committed of them. It calls the search engine, of many facts at once."""
    indexing.index_products(product_ids={UUID(each) for fact in facts for each in fact["product_ids"]})
