"""Stock in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from core.api.fields import IdField, IntegerField, TextField
from core.api.pages import PageQuery
from core.api.serializers import Input

if TYPE_CHECKING:
    from inventory.models import Movement, Stock


class AdjustmentInput(Input):
    """One variant: by ``difference``, or to ``quantity``; with ``expected`` it must still hold that many."""

    variant = IdField(required=False)
    sku = TextField(required=False, max_length=64)
    difference = IntegerField(required=False)
    quantity = IntegerField(required=False, min_value=0)
    expected = IntegerField(required=False, min_value=0)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("variant" in attrs) == ("sku" in attrs):
            raise serializers.ValidationError({"variant": ["Give either variant or sku."]}, code="either")
        if ("difference" in attrs) == ("quantity" in attrs):
            raise serializers.ValidationError({"difference": ["Give either difference or quantity."]}, code="either")
        return attrs


class AdjustInput(Input):
    """Corrections, all or none."""

    items = AdjustmentInput(many=True, allow_empty=False, max_length=500)  # type: ignore[call-arg]
    reason = TextField(required=False, allow_blank=True, max_length=100, default="")


class StockQuery(PageQuery):
    """Filters of the list."""

    sku = TextField(required=False, max_length=64)
    below = IntegerField(from_text=True, required=False, min_value=0)


class MovementQuery(PageQuery):
    """Filters of the ledger."""

    sku = TextField(required=False, max_length=64)


class StockOutput(serializers.Serializer[Any]):
    """One variant in one place."""

    variant = serializers.UUIDField()
    sku = serializers.CharField()
    place = serializers.CharField()
    on_hand = serializers.IntegerField()
    reserved = serializers.IntegerField()
    free = serializers.IntegerField()
    updated_at = serializers.DateTimeField()


class AdjustedOutput(serializers.Serializer[Any]):
    """What is on hand afterwards."""

    class _Row(serializers.Serializer[Any]):
        variant = serializers.UUIDField()
        on_hand = serializers.IntegerField()

    results = _Row(many=True)


class MovementOutput(serializers.Serializer[Any]):
    """One line of the ledger."""

    id = serializers.IntegerField()
    variant = serializers.UUIDField()
    sku = serializers.CharField()
    difference = serializers.IntegerField()
    reason = serializers.CharField()
    reference = serializers.CharField(allow_blank=True)
    actor = serializers.UUIDField(allow_null=True)
    at = serializers.DateTimeField()


class _ListOutput(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    next_cursor = serializers.CharField(required=False)


class StockListOutput(_ListOutput):
    """A page of stock."""

    results = StockOutput(many=True)


class MovementListOutput(_ListOutput):
    """A page of the ledger."""

    results = MovementOutput(many=True)


def stock_document(stock: Stock) -> dict[str, Any]:
    """Return one stock row."""
    return {
        "variant": stock.variant_id,
        "sku": stock.variant.sku,
        "place": stock.place.code,
        "on_hand": stock.on_hand,
        "reserved": stock.reserved,
        "free": stock.free,
        "updated_at": stock.updated_at,
    }


def movement_document(movement: Movement) -> dict[str, Any]:
    """Return one line of the ledger."""
    return {
        "id": movement.pk,
        "variant": movement.stock.variant_id,
        "sku": movement.stock.variant.sku,
        "difference": movement.difference,
        "reason": movement.reason,
        "reference": movement.reference,
        "actor": movement.actor_id,
        "at": movement.at,
    }
