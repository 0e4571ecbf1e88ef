"""What staff do with returns, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.viewer import customer_of
from core.api.views import ApiView
from orders import services
from orders.api.returns import SHOWN
from orders.api.returns_inputs import (
    RECEIVE_EXAMPLE,
    SETTLE_EXAMPLE,
    ApproveInput,
    ReceiveInput,
    RejectInput,
    SettleInput,
)
from orders.api.returns_outputs import ReturnOutput, return_document

if TYPE_CHECKING:
    from collections.abc import Mapping

HANDLE = {"POST": ("orders.handle_return",)}


class ReturnApprove(ApiView):
    """Letting it come."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = HANDLE

    @extend_schema(
        operation_id="returns_approve",
        summary="Approve a return (staff)",
        request=ApproveInput,
        responses={200: ReturnOutput},
        examples=[
            OpenApiExample("Where to", value={"answer": "Please send it to 1 Dock Road, Hull."}, request_only=True),
            SHOWN,
        ],
    )
    def post(self, request: Request, return_id: UUID) -> Response:
        body = ApproveInput(data=request.data)
        body.is_valid(raise_exception=True)
        back = services.approve_return(return_id=return_id, at=timezone.now(), **body.validated_data)
        return Response(return_document(back))


class ReturnReject(ApiView):
    """Refusing it."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = HANDLE

    @extend_schema(
        operation_id="returns_reject",
        summary="Reject a return before its goods are here (staff)",
        request=RejectInput,
        responses={200: ReturnOutput},
        examples=[OpenApiExample("Why", value={"answer": "It was worn."}, request_only=True), SHOWN],
    )
    def post(self, request: Request, return_id: UUID) -> Response:
        body = RejectInput(data=request.data)
        body.is_valid(raise_exception=True)
        back = services.reject_return(return_id=return_id, at=timezone.now(), **body.validated_data)
        return Response(return_document(back))


class ReturnReceive(ApiView):
    """The parcel is here."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = HANDLE

    @extend_schema(
        operation_id="returns_receive",
        summary="Receive the goods of a return (staff)",
        request=ReceiveInput,
        responses={200: ReturnOutput},
        examples=[OpenApiExample("What was in it", value=RECEIVE_EXAMPLE, request_only=True), SHOWN],
    )
    def post(self, request: Request, return_id: UUID) -> Response:
        body = ReceiveInput(data=request.data)
        body.is_valid(raise_exception=True)
        back = services.receive_return(return_id=return_id, units=body.units(), at=timezone.now())
        return Response(return_document(back))


class ReturnSettle(ApiView):
    """Inspecting it, and what follows."""

    in_beats = True
    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = HANDLE

    @extend_schema(
        operation_id="returns_settle",
        summary="Inspect and settle a return (staff)",
        description=(
            "Takes units back for good, puts those on the shelf that are fit for it, and pays what they cost, with "
            "their part of discounts and tax, less `deduction`: to the payment, as store credit, or by an order that "
            "replaces them. What the replacement costs less goes back; what it costs more is left to pay."
        ),
        request=SettleInput,
        responses={200: ReturnOutput},
        examples=[
            OpenApiExample("Inspected", value=SETTLE_EXAMPLE, request_only=True),
            OpenApiExample(
                "As new, and money instead of an exchange",
                value={"restock": True, "resolution": "refund"},
                request_only=True,
            ),
            SHOWN,
        ],
    )
    def post(self, request: Request, return_id: UUID) -> Response:
        body = SettleInput(data=request.data)
        body.is_valid(raise_exception=True)
        back = services.settle_return(
            return_id=return_id, wish=body.wish(), actor=customer_of(request), at=timezone.now()
        )
        return Response(return_document(back))
