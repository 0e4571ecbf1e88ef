"""Orders out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from accounts.api.serializers import AddressOutput
from core.api.fields import MoneyField
from core.money import as_document
from orders.api.fulfilments_serializers import (
    FULFILMENT_EXAMPLE,
    FulfilmentOutput,
    fulfilment_document,
)
from orders.domain import FulfilmentStatus, MovedBy, OrderStatus, fulfilment_status
from pricing.domain import percent_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orders.models import Order, OrderLine, OrderNote

STATUSES = [status.value for status in OrderStatus]

ADDRESS_EXAMPLE = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "line2": "",
    "city": "London",
    "region": "",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
    "phone": "",
}


def _money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "GBP"}


ORDER_EXAMPLE = {
    "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c010",
    "number": "N-7K3-Q9XW",
    "status": "paid",
    "fulfilment_status": "partial",
    "currency": "GBP",
    "email": "ada@example.com",
    "items": [
        {
            "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c011",
            "product": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c003",
            "variant": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c004",
            "sku": "MUG-BLUE",
            "name": "Blue mug",
            "options": {},
            "quantity": 2,
            "shipped": 1,
            "cancelled": 0,
            "returned": 0,
            "unit_price": _money("12.50"),
            "subtotal": _money("25.00"),
            "discount": _money("0.00"),
            "tax": _money("0.00"),
            "tax_included": _money("4.17"),
            "tax_rate": "20",
        }
    ],
    "subtotal": _money("25.00"),
    "discount": _money("0.00"),
    "shipping": _money("0.00"),
    "tax": _money("0.00"),
    "total": _money("25.00"),
    "tax_included": _money("4.17"),
    "coupon": "",
    "shipping_method": "standard",
    "shipping_address": ADDRESS_EXAMPLE,
    "billing_address": None,
    "tracking": [
        {"carrier": "Royal Mail", "tracking_number": "AB123456789GB", "shipped_at": "2026-11-21T15:00:00Z"},
    ],
    "fulfilments": [FULFILMENT_EXAMPLE],
    "history": [
        {"from": None, "to": "pending", "at": "2026-11-21T12:00:00Z", "by": "customer", "reason": ""},
        {"from": "pending", "to": "paid", "at": "2026-11-21T12:05:00Z", "by": "system", "reason": ""},
    ],
    "note": "",
    "token": None,
    "placed_at": "2026-11-21T12:00:00Z",
    "expires_at": None,
}


class OrderItemOutput(serializers.Serializer[Any]):
    """One line as bought, and how many of its units were sent, cancelled and returned since."""

    id = serializers.UUIDField()
    product = serializers.UUIDField()
    variant = serializers.UUIDField()
    sku = serializers.CharField()
    name = serializers.CharField()
    options = serializers.DictField(child=serializers.CharField())
    quantity = serializers.IntegerField()
    shipped = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    returned = serializers.IntegerField()
    unit_price = MoneyField()
    subtotal = MoneyField()
    discount = MoneyField()
    tax = MoneyField()
    tax_included = MoneyField()
    tax_rate = serializers.CharField(help_text="In per cent.")


class TrackingOutput(serializers.Serializer[Any]):
    """One parcel."""

    carrier = serializers.CharField()
    tracking_number = serializers.CharField()
    shipped_at = serializers.DateTimeField()


class HistoryOutput(serializers.Serializer[Any]):
    """One step: from where (``null``: placed), to where, when, by whom, why."""

    to = serializers.ChoiceField(choices=STATUSES)
    at = serializers.DateTimeField()
    by = serializers.ChoiceField(choices=[by.value for by in MovedBy])
    reason = serializers.CharField(allow_blank=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {"from": serializers.ChoiceField(choices=STATUSES, allow_null=True), **super().get_fields()}


class OrderOutput(serializers.Serializer[Any]):
    """An order. ``token`` stands in a guest's answer alone: it names the order from then on."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES)
    fulfilment_status = serializers.ChoiceField(choices=[status.value for status in FulfilmentStatus])
    currency = serializers.CharField()
    email = serializers.CharField(allow_blank=True)
    items = OrderItemOutput(many=True)
    subtotal = MoneyField()
    discount = MoneyField()
    shipping = MoneyField()
    tax = MoneyField()
    total = MoneyField()
    tax_included = MoneyField(help_text="Tax inside the prices. `tax` is what stands on top, and in the total.")
    coupon = serializers.CharField(allow_blank=True)
    shipping_method = serializers.CharField(allow_blank=True)
    shipping_address = AddressOutput(allow_null=True)
    billing_address = AddressOutput(allow_null=True)
    tracking = TrackingOutput(many=True)
    fulfilments = FulfilmentOutput(many=True)
    history = HistoryOutput(many=True)
    note = serializers.CharField(allow_blank=True)
    token = serializers.CharField(allow_null=True)
    placed_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class OrderListOutput(serializers.Serializer[Any]):
    """A page of orders."""

    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    next_cursor = serializers.CharField(required=False)
    results = OrderOutput(many=True)


class NoteOutput(serializers.Serializer[Any]):
    """A note for staff."""

    id = serializers.UUIDField()
    author = serializers.UUIDField(allow_null=True)
    text = serializers.CharField()
    created_at = serializers.DateTimeField()


class NoteListOutput(serializers.Serializer[Any]):
    """All notes of an order, oldest first."""

    results = NoteOutput(many=True)


def order_document(order: Order) -> dict[str, Any]:
    """Return the contract's order. Reads lines, moves and fulfilments, which the selectors prefetch."""
    currency = order.currency
    lines = sorted(order.lines.all(), key=lambda line: line.position)
    parcels = sorted(order.fulfilments.all(), key=lambda parcel: (parcel.shipped_at, parcel.pk))
    amounts = ("subtotal", "discount", "shipping", "tax", "total")
    return {
        "id": order.pk,
        "number": order.number,
        "status": order.status,
        "fulfilment_status": _fulfilment_status(lines),
        "currency": currency,
        "email": order.email,
        "items": [_item(line, currency) for line in lines],
        **{name: as_document(getattr(order, f"{name}_minor"), currency) for name in amounts},
        "tax_included": as_document(order.contained_minor, currency),
        "coupon": order.coupon,
        "shipping_method": order.shipping_method,
        "shipping_address": order.shipping_address,
        "billing_address": order.billing_address,
        "tracking": [
            {"carrier": s.carrier, "tracking_number": s.tracking_number, "shipped_at": s.shipped_at} for s in parcels
        ],
        "fulfilments": [fulfilment_document(parcel, {line.pk: line for line in lines}) for parcel in parcels],
        "history": [
            {
                "from": move.from_status or None,
                "to": move.to_status,
                "at": move.at,
                "by": move.by,
                "reason": move.reason,
            }
            for move in sorted(order.moves.all(), key=lambda move: move.pk)
        ],
        "note": order.note,
        "token": order.guest_token or None,
        "placed_at": order.placed_at,
        "expires_at": order.expires_at,
    }


def note_document(note: OrderNote) -> dict[str, Any]:
    """Return a staff note."""
    return {"id": note.pk, "author": note.author_id, "text": note.text, "created_at": note.created_at}


def _fulfilment_status(lines: Sequence[OrderLine]) -> str:
    shipped, open_units = sum(line.shipped for line in lines), sum(line.open for line in lines)
    return fulfilment_status(shipped=shipped, open_units=open_units).value


def _item(line: OrderLine, currency: str) -> dict[str, Any]:
    return {
        "id": line.pk,
        "product": line.product_id,
        "variant": line.variant_id,
        "sku": line.sku,
        "name": line.name,
        "options": line.options,
        "quantity": line.quantity,
        "shipped": line.shipped,
        "cancelled": line.cancelled,
        "returned": line.returned,
        "unit_price": as_document(line.unit_price_minor, currency),
        "subtotal": as_document(line.subtotal_minor, currency),
        "discount": as_document(line.discount_minor, currency),
        "tax": as_document(line.tax_minor, currency),
        "tax_included": as_document(line.contained_minor, currency),
        "tax_rate": percent_text(line.tax_ppm),
    }
