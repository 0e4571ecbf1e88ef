"""Saved ways to pay, out and in. No token leaves the house."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from core.api.fields import BooleanField
from core.api.serializers import Input

if TYPE_CHECKING:
    from payments.models import SavedMethod

METHOD_EXAMPLE = {
    "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c050",
    "provider": "sandbox",
    "brand": "visa",
    "last4": "4242",
    "expires_month": 12,
    "expires_year": 2034,
    "is_default": True,
    "created_at": "2026-11-21T12:00:00Z",
}


class ChangeMethodInput(Input):
    """Whether it is offered first."""

    is_default = BooleanField()


class SavedMethodOutput(serializers.Serializer[Any]):
    """A way to pay, by what its owner knows it. A wallet has no card's end and does not expire."""

    id = serializers.UUIDField()
    provider = serializers.CharField()
    brand = serializers.CharField(allow_blank=True)
    last4 = serializers.CharField(allow_blank=True)
    expires_month = serializers.IntegerField(allow_null=True)
    expires_year = serializers.IntegerField(allow_null=True)
    is_default = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class SavedMethodListOutput(serializers.Serializer[Any]):
    """A page of them."""

    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    next_cursor = serializers.CharField(required=False)
    results = SavedMethodOutput(many=True)


def method_document(method: SavedMethod) -> dict[str, Any]:
    """Return a saved way to pay."""
    return {name: getattr(method, "pk" if name == "id" else name) for name in METHOD_EXAMPLE}
