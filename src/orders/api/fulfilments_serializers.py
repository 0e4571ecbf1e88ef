"""Parcels in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.validators import URLValidator
from rest_framework import serializers

from core.api.fields import IdField, IntegerField, TextField
from core.api.serializers import Input
from orders.domain import MAX_ITEMS
from orders.services import FulfilmentWish, ParcelChange

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orders.models import Fulfilment, OrderLine

FULFILMENT_EXAMPLE = {
    "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c040",
    "carrier": "Royal Mail",
    "tracking_number": "AB123456789GB",
    "tracking_url": "https://www.royalmail.com/track-your-item#/tracking-results/AB123456789GB",
    "shipped_at": "2026-11-21T15:00:00Z",
    "delivered_at": None,
    "items": [
        {
            "line": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c011",
            "variant": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c004",
            "sku": "MUG-BLUE",
            "name": "Blue mug",
            "quantity": 1,
        }
    ],
}


class TrackingUrlField(TextField):
    """A link to where a parcel is followed: people click on it, so that it is one of the web."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 500)
        super().__init__(**options)
        self.validators.append(URLValidator(schemes=("https", "http")))


class UnitsInput(Input):
    """Units of one line of an order, by the line's ``id``."""

    line = IdField()
    quantity = IntegerField(min_value=1, max_value=99_999)


class FulfilInput(Input):
    """What goes into a parcel (without ``items`` all that is still owed), and how it goes."""

    items = UnitsInput(many=True, required=False, allow_empty=False, max_length=MAX_ITEMS)  # type: ignore[call-arg]
    carrier = TextField(required=False, allow_blank=True, max_length=60, default="")
    tracking_number = TextField(required=False, allow_blank=True, max_length=100, default="")
    tracking_url = TrackingUrlField(required=False, allow_blank=True, default="")

    def wish(self, *, request_key: str) -> FulfilmentWish:
        """Return what staff want to send."""
        given = self.validated_data
        how = {name: given[name] for name in ("carrier", "tracking_number", "tracking_url")}
        return FulfilmentWish(items=units_of(given.get("items")), request_key=request_key, **how)


class FulfilmentChanges(Input):
    """What is known better of a parcel."""

    carrier = TextField(required=False, allow_blank=True, max_length=60)
    tracking_number = TextField(required=False, allow_blank=True, max_length=100)
    tracking_url = TrackingUrlField(required=False, allow_blank=True)

    def change(self) -> ParcelChange:
        """Return what is to be changed."""
        return ParcelChange(**self.validated_data)


class FulfilledOutput(serializers.Serializer[Any]):
    """Units of one line in a parcel."""

    line = serializers.UUIDField()
    variant = serializers.UUIDField()
    sku = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()


class FulfilmentOutput(serializers.Serializer[Any]):
    """A parcel, or goods that were handed over."""

    id = serializers.UUIDField()
    carrier = serializers.CharField(allow_blank=True)
    tracking_number = serializers.CharField(allow_blank=True)
    tracking_url = serializers.CharField(
        allow_blank=True, help_text="As it was given, or made of the number where the carrier is a well-known one."
    )
    shipped_at = serializers.DateTimeField()
    delivered_at = serializers.DateTimeField(allow_null=True)
    items = FulfilledOutput(many=True)


class FulfilmentListOutput(serializers.Serializer[Any]):
    """All parcels of an order, oldest first."""

    results = FulfilmentOutput(many=True)


def units_of(items: Sequence[Mapping[str, Any]] | None) -> dict[UUID, int] | None:
    """Return line id -> units of what a body names; a line that is named twice counts twice."""
    if items is None:
        return None
    found: dict[UUID, int] = {}
    for item in items:
        found[item["line"]] = found.get(item["line"], 0) + item["quantity"]
    return found


def fulfilment_document(fulfilment: Fulfilment, lines: Mapping[UUID, OrderLine] | None = None) -> dict[str, Any]:
    """Return a parcel as the API shows it.

    :param lines: line id -> line, where they are read already
    """
    return {
        "id": fulfilment.pk,
        "carrier": fulfilment.carrier,
        "tracking_number": fulfilment.tracking_number,
        "tracking_url": fulfilment.link,
        "shipped_at": fulfilment.shipped_at,
        "delivered_at": fulfilment.delivered_at,
        "items": [
            _item(each.line if lines is None else lines[each.line_id], each.quantity)
            for each in sorted(fulfilment.lines.all(), key=lambda each: each.pk)
        ],
    }


def _item(line: OrderLine, quantity: int) -> dict[str, Any]:
    return {
        "line": line.pk,
        "variant": line.variant_id,
        "sku": line.sku,
        "name": line.name,
        "quantity": quantity,
    }
