"""Stock for tests, through the same steps that the shop uses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from inventory import services
from inventory.models import Place, Stock
from products.tests.factories import make_variant

if TYPE_CHECKING:
    from products.models import Variant

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def make_place() -> Place:
    """Return the default place."""
    place: Place = Place.objects.get_or_create(code="main", defaults={"name": "Main", "is_default": True})[0]
    return place


def make_stock(*, on_hand: int = 5, variant: Variant | None = None, **fields: Any) -> Stock:
    """Return the stock row of a variant (a new one, with a price), with units received."""
    make_place()
    variant = variant or make_variant(**{"is_available": False} | fields)
    if on_hand:
        with transaction.atomic():
            services.receive_stock(units={variant.pk: on_hand}, reference="test", actor_id=None, at=NOON)
    else:
        Stock.objects.create(variant=variant, place=make_place())
    stock: Stock = Stock.objects.get(variant=variant)
    return stock
