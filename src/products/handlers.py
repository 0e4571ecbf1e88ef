"""What the catalogue does when others announce a fact, and in the background for its own."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from products.services import documents, images


def render_market(*, market_id: str, after: str | None = None, **_: object) -> None:
    """Render what a new or changed market lists, part by part: each announces the next."""
    documents.render_market(market_id=UUID(market_id), after=UUID(after) if after else None, at=timezone.now())


def make_thumbnails(*, image_id: str, **_: object) -> None:
    """Make the thumbnails of a new picture and show them."""
    images.make_thumbnails(image_id=UUID(image_id))
