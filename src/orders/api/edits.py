"""Staff change unpaid orders, and send links by which they are paid, over HTTP."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.viewer import customer_of, viewer_of
from core.api.views import ApiView, request_key_of
from orders import selectors, services
from orders.api.drafts_serializers import (
    EDIT_EXAMPLE,
    ITEMS_EXAMPLE,
    LINK_EXAMPLE,
    EditInput,
    EditListOutput,
    PaymentLinkInput,
    PaymentLinkOutput,
    edit_document,
    link_document,
)
from orders.api.serializers import ORDER_EXAMPLE, OrderOutput, order_document
from orders.api.views import ORDER_TOKEN, order_token_of

_SHOWN = OpenApiExample("An order", value=ORDER_EXAMPLE, response_only=True)
_IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The `ETag` of the order that you have seen."
)


class OrderDetail(ApiView):
    """One order."""

    in_beats = True
    permissions = {"PATCH": ("orders.change_order",)}

    @extend_schema(
        operation_id="orders_retrieve",
        summary="Show an order",
        parameters=ORDER_TOKEN,
        responses={200: OrderOutput},
        examples=[_SHOWN],
    )
    def get(self, request: Request, order_id: UUID) -> Response:
        order = selectors.get_order(order_id=order_id, viewer=viewer_of(request), token=order_token_of(request))
        return Response(order_document(order), headers={"ETag": order.version, "Cache-Control": "private, no-cache"})

    @extend_schema(
        operation_id="orders_edit",
        summary="Change an order that is not paid (staff)",
        description=(
            "`items` are all of them, in their order. What the order has already keeps its unit price, what is new "
            "costs what it costs now, or its `unit_price`. Promotions are tried anew; stock and payment follow; who "
            "was about to pay the old total is called off. With `If-Match` an order that changed meanwhile is refused "
            "with 412, with `expected_total` another total with 409 and the new quote."
        ),
        parameters=[_IF_MATCH],
        request=EditInput,
        responses={200: OrderOutput},
        examples=[
            OpenApiExample(
                "Other items", value={"items": ITEMS_EXAMPLE, "reason": "Rang for one more."}, request_only=True
            ),
            _SHOWN,
        ],
    )
    def patch(self, request: Request, order_id: UUID) -> Response:
        body = EditInput(data=request.data)
        body.is_valid(raise_exception=True)
        order = services.edit_order(
            order_id=order_id,
            wish=body.wish(versions=_versions(request), request_key=request_key_of(request)),
            actor=customer_of(request),
            at=timezone.now(),
        )
        return Response(order_document(order), headers={"ETag": order.version})


class OrderEdits(ApiView):
    """How an order was changed."""

    permissions = {"GET": ("orders.view_order",)}

    @extend_schema(
        operation_id="orders_edits_list",
        summary="List how staff changed an order (staff)",
        responses={200: EditListOutput},
        examples=[OpenApiExample("Edits", value={"results": [EDIT_EXAMPLE]}, response_only=True)],
    )
    def get(self, request: Request, order_id: UUID) -> Response:
        edits = selectors.list_edits(order_id=order_id)
        return Response({"results": [edit_document(edit, edit.order.currency) for edit in edits]})


class OrderPaymentLink(ApiView):
    """A link for whoever pays."""

    permissions = {"POST": ("orders.add_paymentlink",)}

    @extend_schema(
        operation_id="orders_payment_link",
        summary="Get the link by which an order is paid (staff)",
        description="There is one for an order, good for as long as the order waits. `send` mails it to the buyer.",
        request=PaymentLinkInput,
        responses={200: PaymentLinkOutput},
        examples=[
            OpenApiExample("And mail it", value={"send": True}, request_only=True),
            OpenApiExample("A link", value=LINK_EXAMPLE, response_only=True),
        ],
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        body = PaymentLinkInput(data=request.data)
        body.is_valid(raise_exception=True)
        link = services.make_payment_link(
            order_id=order_id, actor=customer_of(request), at=timezone.now(), is_sent=body.validated_data["send"]
        )
        return Response(link_document(link, selectors.url_of_link(link=link)))


def _versions(request: Request) -> tuple[str, ...] | None:
    """Return the versions that ``If-Match`` names; ``None`` for any. A proxy that compresses has weakened the tag."""
    wanted = request.META.get("HTTP_IF_MATCH")
    if wanted is None or wanted.strip() == "*":
        return None
    return tuple(tag.strip().removeprefix("W/") for tag in wanted.split(","))
