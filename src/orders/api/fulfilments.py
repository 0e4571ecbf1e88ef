"""Parcels of orders, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.viewer import customer_of, viewer_of
from core.api.views import ApiView, request_key_of
from orders import selectors, services
from orders.api.fulfilments_serializers import (
    FULFILMENT_EXAMPLE,
    FulfilInput,
    FulfilmentChanges,
    FulfilmentListOutput,
    FulfilmentOutput,
    fulfilment_document,
)
from orders.api.invoices import pdf_response
from orders.api.views import ORDER_TOKEN, order_token_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = OpenApiExample("A parcel", value=FULFILMENT_EXAMPLE, response_only=True)


class OrderFulfilments(ApiView):
    """What was sent of an order."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": ("orders.move_order",)}

    @extend_schema(
        operation_id="orders_fulfilments_list",
        summary="List an order's parcels",
        parameters=ORDER_TOKEN,
        responses={200: FulfilmentListOutput},
        examples=[OpenApiExample("Parcels", value={"results": [FULFILMENT_EXAMPLE]}, response_only=True)],
    )
    def get(self, request: Request, order_id: UUID) -> Response:
        parcels = selectors.list_fulfilments(
            order_id=order_id, viewer=viewer_of(request), token=order_token_of(request)
        )
        return Response({"results": [fulfilment_document(parcel) for parcel in parcels]})

    @extend_schema(
        operation_id="orders_fulfilments_create",
        summary="Send a parcel of a paid order (staff)",
        description=(
            "Without `items` all that is still owed. The parcel with the last units moves the order to `shipped`; of "
            "one before it the customer is told by itself. Where no `tracking_url` is given, the number of a "
            "well-known carrier makes one."
        ),
        request=FulfilInput,
        responses={201: FulfilmentOutput},
        examples=[
            OpenApiExample(
                "A part",
                value={
                    "items": [{"line": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c011", "quantity": 1}],
                    "carrier": "Royal Mail",
                    "tracking_number": "AB123456789GB",
                },
                request_only=True,
            ),
            OpenApiExample("All that is owed", value={"carrier": "UPS"}, request_only=True),
            _SHOWN,
        ],
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        body = FulfilInput(data=request.data)
        body.is_valid(raise_exception=True)
        parcel = services.fulfil_order(
            order_id=order_id,
            wish=body.wish(request_key=request_key_of(request)),
            actor=customer_of(request),
            at=timezone.now(),
        )
        return Response(fulfilment_document(parcel), status=201)


class FulfilmentDetail(ApiView):
    """One parcel."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"PATCH": ("orders.move_order",)}

    @extend_schema(
        operation_id="fulfilments_update",
        summary="Correct a parcel's carrier, number or link (staff)",
        request=FulfilmentChanges,
        responses={200: FulfilmentOutput},
        examples=[
            OpenApiExample("The number", value={"tracking_number": "AB123456789GB"}, request_only=True),
            _SHOWN,
        ],
    )
    def patch(self, request: Request, fulfilment_id: UUID) -> Response:
        body = FulfilmentChanges(data=request.data)
        body.is_valid(raise_exception=True)
        parcel = services.update_fulfilment(
            fulfilment_id=fulfilment_id, change=body.change(), actor=customer_of(request)
        )
        return Response(fulfilment_document(parcel))


class FulfilmentDelivery(ApiView):
    """A parcel arrived."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": ("orders.move_order",)}

    @extend_schema(
        operation_id="fulfilments_deliver",
        summary="Note that a parcel has arrived (staff)",
        description="Once noted it stays. The last parcel of a shipped order moves it to `delivered`.",
        request=None,
        responses={200: FulfilmentOutput},
        examples=[
            OpenApiExample(
                "It arrived",
                value=FULFILMENT_EXAMPLE | {"delivered_at": "2026-11-23T09:30:00Z"},
                response_only=True,
            )
        ],
    )
    def post(self, request: Request, fulfilment_id: UUID) -> Response:
        parcel = services.deliver_fulfilment(fulfilment_id=fulfilment_id, actor=customer_of(request), at=timezone.now())
        return Response(fulfilment_document(parcel))


class FulfilmentPackingSlip(ApiView):
    """What lies in one parcel."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": ("orders.view_order",)}

    @extend_schema(
        operation_id="orders_fulfilments_packing_slip",
        summary="A parcel's packing slip as PDF (staff)",
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, order_id: UUID, fulfilment_id: UUID) -> HttpResponse:
        slip = selectors.packing_slip(order_id=order_id, fulfilment_id=fulfilment_id)
        return pdf_response(slip, "packing-slip.pdf")
