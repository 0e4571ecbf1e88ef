"""Returns, as they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from core.api.fields import MoneyField
from core.money import as_document
from orders.domain import Resolution, ReturnReason, ReturnStatus

if TYPE_CHECKING:
    from orders.models import Return, ReturnLine, ReturnPicture
    from orders.selectors import OrderReturns

RETURN_STATUSES = [status.value for status in ReturnStatus]
_RESOLUTIONS = [resolution.value for resolution in Resolution]
LINE_EXAMPLE = "01937f5e-7c3a-7b60-9a57-0d6a4bd3c011"
RETURN_EXAMPLE = {
    "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c050",
    "order": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c010",
    "order_number": "N-7K3-Q9XW",
    "status": "completed",
    "wanted": "refund",
    "resolution": "refund",
    "is_withdrawal": False,
    "note": "It arrived chipped.",
    "answer": "Please send it to 1 Dock Road, Hull.",
    "items": [
        {
            "line": LINE_EXAMPLE,
            "variant": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c004",
            "sku": "MUG-BLUE",
            "name": "Blue mug",
            "quantity": 1,
            "reason": "damaged",
            "wanted_variant": None,
            "received": 1,
            "accepted": 1,
            "restocked": 0,
            "condition": "Chipped.",
        }
    ],
    "pictures": [
        {
            "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c051",
            "url": "/api/v1/returns/01937f5e-7c3a-7b60-9a57-0d6a4bd3c050/pictures/01937f5e-7c3a-7b60-9a57-0d6a4bd3c051",
            "width": 1600,
            "height": 1200,
        }
    ],
    "worth": {"amount": "12.50", "currency": "GBP"},
    "delivery": {"amount": "0.00", "currency": "GBP"},
    "deduction": {"amount": "0.00", "currency": "GBP"},
    "refund": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c040",
    "exchange_order": None,
    "requested_at": "2026-11-21T12:00:00Z",
    "approved_at": "2026-11-21T13:00:00Z",
    "received_at": "2026-11-24T09:00:00Z",
    "closed_at": "2026-11-24T10:00:00Z",
}


class ReturnItemOutput(serializers.Serializer[Any]):
    """Units of a line that come back: asked for, received, taken back for good, and put on the shelf."""

    line = serializers.UUIDField()
    variant = serializers.UUIDField()
    sku = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    reason = serializers.ChoiceField(choices=[reason.value for reason in ReturnReason])
    wanted_variant = serializers.UUIDField(allow_null=True)
    received = serializers.IntegerField()
    accepted = serializers.IntegerField()
    restocked = serializers.IntegerField()
    condition = serializers.CharField(allow_blank=True)


class PictureOutput(serializers.Serializer[Any]):
    """A picture. Its address wants the same sign-in, or token, as the return."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()


class PicturesOutput(serializers.Serializer[Any]):
    """The pictures that were added."""

    pictures = PictureOutput(many=True)


class ReturnOutput(serializers.Serializer[Any]):
    """A return. What goes back is `worth` and `delivery` less `deduction`."""

    id = serializers.UUIDField()
    order = serializers.UUIDField()
    order_number = serializers.CharField()
    status = serializers.ChoiceField(choices=RETURN_STATUSES)
    wanted = serializers.ChoiceField(choices=_RESOLUTIONS)
    resolution = serializers.ChoiceField(choices=_RESOLUTIONS, allow_null=True)
    is_withdrawal = serializers.BooleanField()
    note = serializers.CharField(allow_blank=True)
    answer = serializers.CharField(allow_blank=True)
    items = ReturnItemOutput(many=True)
    pictures = PictureOutput(many=True)
    worth = MoneyField()
    delivery = MoneyField()
    deduction = MoneyField()
    refund = serializers.UUIDField(allow_null=True)
    exchange_order = serializers.UUIDField(allow_null=True)
    requested_at = serializers.DateTimeField()
    approved_at = serializers.DateTimeField(allow_null=True)
    received_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)


class ReturnListOutput(serializers.Serializer[Any]):
    """A page of returns."""

    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    next_cursor = serializers.CharField(required=False)
    results = ReturnOutput(many=True)


class ReturnableOutput(serializers.Serializer[Any]):
    """Units of a line that may still be sent back."""

    line = serializers.UUIDField()
    sku = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()


class OrderReturnsOutput(serializers.Serializer[Any]):
    """All returns of an order, oldest first, what may still be sent back, and the last day to withdraw, if known."""

    results = ReturnOutput(many=True)
    returnable = ReturnableOutput(many=True)
    withdraw_until = serializers.DateField(allow_null=True)


def return_document(back: Return) -> dict[str, Any]:
    """Return the contract's return. Reads order, lines, pictures and withdrawal, which the selectors join."""
    currency = back.order.currency
    return {
        "id": back.pk,
        "order": back.order_id,
        "order_number": back.order.number,
        "status": back.status,
        "wanted": back.wanted,
        "resolution": back.settled_as or None,
        "is_withdrawal": hasattr(back, "withdrawal"),
        "note": back.note,
        "answer": back.answer,
        "items": [_item(row) for row in sorted(back.lines.all(), key=lambda row: row.line.position)],
        "pictures": [picture_document(picture) for picture in sorted(back.pictures.all(), key=lambda row: row.pk)],
        "worth": as_document(back.worth_minor, currency),
        "delivery": as_document(back.delivery_minor, currency),
        "deduction": as_document(back.deduction_minor, currency),
        "refund": back.refund_id,
        "exchange_order": back.exchange_order_id,
        "requested_at": back.requested_at,
        "approved_at": back.approved_at,
        "received_at": back.received_at,
        "closed_at": back.closed_at,
    }


def order_returns_document(found: OrderReturns) -> dict[str, Any]:
    """Return an order's returns and what else may be sent back."""
    return {
        "results": [return_document(back) for back in found.returns],
        "returnable": [
            {"line": line.pk, "sku": line.sku, "name": line.name, "quantity": units} for line, units in found.returnable
        ],
        "withdraw_until": found.withdraw_until,
    }


def picture_document(picture: ReturnPicture) -> dict[str, Any]:
    """Return a picture as it is named."""
    return {
        "id": picture.pk,
        "url": f"/api/v1/returns/{picture.back_id}/pictures/{picture.pk}",
        "width": picture.width,
        "height": picture.height,
    }


def _item(row: ReturnLine) -> dict[str, Any]:
    return {
        "line": row.line_id,
        "variant": row.line.variant_id,
        "sku": row.line.sku,
        "name": row.line.name,
        "quantity": row.quantity,
        "reason": row.reason,
        "wanted_variant": row.wanted_variant_id,
        "received": row.received,
        "accepted": row.accepted,
        "restocked": row.restocked,
        "condition": row.condition,
    }
