"""Giving money back, over HTTP; for staff."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.viewer import customer_of
from core.api.pages import PageQuery, list_response, page_of
from core.api.views import ApiView, request_key_of
from orders import services
from orders.api.refunds_serializers import (
    REFUND_EXAMPLE,
    RefundInput,
    RefundListOutput,
    RefundOutput,
    refund_document,
)
from payments import selectors as payment_reads
from payments import services as payments


class PaymentRefunds(ApiView):
    """Giving back."""

    in_beats = True
    permissions = {"GET": ("payments.view_refund",), "POST": ("payments.add_refund",)}

    @extend_schema(
        operation_id="payments_refunds",
        summary="What went back of a payment (staff)",
        description="Each means that gives back is a row of its own.",
        parameters=[PageQuery],
        responses={200: RefundListOutput},
        examples=[
            OpenApiExample(
                "A page",
                value={"count": 1, "next": None, "previous": None, "results": [REFUND_EXAMPLE]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request, payment_id: UUID) -> Response:
        page = page_of(PageQuery.read(request.GET))
        rows = payment_reads.list_refunds(payment_id=payment_id)
        return list_response(request, rows, page=page, order=("-pk",), show=lambda row: refund_document([row]))

    @extend_schema(
        operation_id="payments_refund",
        summary="Give money back (staff)",
        description=(
            "An amount, or what the items cost with their part of discounts and tax; without either, all that is left. "
            "Never more than was captured. Where several means paid, the newest charge at a provider gives back first, "
            "gift cards and store credit last."
        ),
        request=RefundInput,
        responses={201: RefundOutput},
        examples=[
            OpenApiExample("An amount", value={"amount": "12.50", "reason": "Broken on arrival."}, request_only=True),
            OpenApiExample(
                "Goods",
                value={
                    "items": [{"variant": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c004", "quantity": 1}],
                    "restock": True,
                    "to": "payment",
                },
                request_only=True,
            ),
            OpenApiExample("A refund", value=REFUND_EXAMPLE, response_only=True),
        ],
    )
    def post(self, request: Request, payment_id: UUID) -> Response:
        body = RefundInput(data=request.data)
        body.is_valid(raise_exception=True)
        refunds = services.refund_payment(
            payment_id=payment_id,
            wish=body.wish(request_key=request_key_of(request)),
            actor=customer_of(request),
            at=timezone.now(),
        )
        return Response(refund_document(refunds), status=201)


class RefundConfirmation(ApiView):
    """``refunds/{id}/confirm``."""

    permissions = {"POST": ("payments.add_refund",)}

    @extend_schema(
        operation_id="refunds_confirm",
        summary="Say that money was given back by hand (staff)",
        description="Of what was paid by bank transfer or in cash and goes back because its order was cancelled.",
        request=None,
        responses={200: RefundOutput},
        examples=[OpenApiExample("Given back", value=REFUND_EXAMPLE, response_only=True)],
    )
    def post(self, request: Request, refund_id: UUID) -> Response:
        refund = payments.confirm_refund(refund_id=refund_id, actor=customer_of(request), at=timezone.now())
        return Response(refund_document([refund]))


class RefundRetry(ApiView):
    """``refunds/{id}/retry``."""

    in_beats = True
    permissions = {"POST": ("payments.add_refund",)}

    @extend_schema(
        operation_id="refunds_retry",
        summary="Try a refund again that failed (staff)",
        description=(
            "The same amount, by the same means; also of what was paid twice and should have gone back by itself. "
            "Asking twice is the same refund. What fails again is tried again by its own id."
        ),
        request=None,
        responses={200: RefundOutput},
        examples=[OpenApiExample("On its way again", value=REFUND_EXAMPLE, response_only=True)],
    )
    def post(self, request: Request, refund_id: UUID) -> Response:
        refund = payments.retry_refund(refund_id=refund_id, actor=customer_of(request), at=timezone.now())
        return Response(refund_document([refund]))
