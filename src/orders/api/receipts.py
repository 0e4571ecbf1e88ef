"""Why an order costs what it costs, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.viewer import viewer_of
from core.api.fields import IntegerField, MoneyField, TextField
from core.api.serializers import Query
from core.api.views import ApiView
from core.money import as_document
from orders import selectors
from orders.api.views import ORDER_TOKEN, order_token_of
from pricing.domain import Kind

if TYPE_CHECKING:
    from orders.selectors import Receipt
    from pricing.domain import Step


def _money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "GBP"}


def _step(kind: str, rule: str, amount: str, *items: tuple[int, str], contained: str = "0.00") -> dict[str, Any]:
    return {
        "kind": kind,
        "rule": rule,
        "applied": True,
        "reason": None,
        "amount": _money(amount),
        "contained": _money(contained),
        "items": [{"position": position, "amount": _money(part)} for position, part in items],
    }


RECEIPT_EXAMPLE = {
    "order": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c010",
    "revision": 1,
    "currency": "GBP",
    "total": _money("26.45"),
    "steps": [
        _step("base_price", "", "25.00", (1, "25.00")),
        _step("coupon", "Spring sale", "-2.50", (1, "2.50")),
        _step("shipping", "Standard delivery", "3.95"),
        _step("tax", "VAT 20 %", "0.00", (1, "3.75"), contained="4.41"),
    ],
}


class ReceiptPartOutput(serializers.Serializer[Any]):
    """What a step means for one line of the order."""

    position = serializers.IntegerField()
    amount = MoneyField()


class ReceiptStepOutput(serializers.Serializer[Any]):
    """One rule: what it changed of the total, or why it did not apply. `contained` is tax inside the prices."""

    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    rule = serializers.CharField(allow_blank=True)
    applied = serializers.BooleanField()
    reason = serializers.CharField(allow_null=True)
    amount = MoneyField()
    contained = MoneyField()
    items = ReceiptPartOutput(many=True)


class ReceiptOutput(serializers.Serializer[Any]):
    """The amounts of the steps add up to the total. An order that staff edited has a revision for each price."""

    order = serializers.UUIDField()
    revision = serializers.IntegerField()
    currency = serializers.CharField()
    total = MoneyField()
    steps = ReceiptStepOutput(many=True)


class ReceiptQuery(Query):
    """Which receipt: without a revision, the one that holds."""

    revision = IntegerField(required=False, from_text=True, min_value=1)
    token = TextField(required=False, max_length=200)


class OrderReceipt(ApiView):
    """The receipt of one order."""

    @extend_schema(
        operation_id="orders_receipt",
        summary="Explain an order's price, step by step",
        parameters=[ORDER_TOKEN[0], ReceiptQuery],
        responses={200: ReceiptOutput},
        examples=[OpenApiExample("A receipt", value=RECEIPT_EXAMPLE, response_only=True)],
    )
    def get(self, request: Request, order_id: UUID) -> Response:
        asked = ReceiptQuery.read(request.GET)
        receipt = selectors.get_receipt(
            order_id=order_id,
            viewer=viewer_of(request),
            token=order_token_of(request),
            revision=asked.get("revision"),
        )
        return Response(receipt_document(receipt))


def receipt_document(receipt: Receipt) -> dict[str, Any]:
    """Return the receipt; lines are counted from one, as the order's are."""
    order = receipt.order
    return {
        "order": order.pk,
        "revision": receipt.revision,
        "currency": order.currency,
        "total": as_document(receipt.total_minor, order.currency),
        "steps": [step_document(step, order.currency) for step in receipt.steps],
    }


def step_document(step: Step, currency: str) -> dict[str, Any]:
    """Return one step of a price; lines are counted from one."""
    return {
        "kind": step.kind.value,
        "rule": step.rule,
        "applied": step.is_applied,
        "reason": step.reason or None,
        "amount": as_document(step.amount_minor, currency),
        "contained": as_document(step.contained_minor, currency),
        "items": [
            {"position": place + 1, "amount": as_document(minor, currency)} for place, minor in step.lines.items()
        ],
    }
