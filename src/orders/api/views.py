"""Orders, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.viewer import customer_of, viewer_of
from core import clock, logs
from core.api.pages import list_response, page_of
from core.api.views import ApiView
from orders import selectors, services
from orders.api.inputs import CancelInput, MoveInput, NoteInput, OrderQuery, PlaceOrderInput
from orders.api.serializers import (
    ADDRESS_EXAMPLE,
    ORDER_EXAMPLE,
    NoteListOutput,
    NoteOutput,
    OrderListOutput,
    OrderOutput,
    note_document,
    order_document,
)
from orders.domain import OrderStatus

ORDER_TOKEN = [
    OpenApiParameter(
        "X-Order-Token", str, OpenApiParameter.HEADER, description="A guest's order, as `token` of the first answer."
    ),
    OpenApiParameter("token", str, description="The same, for a link."),
]
CART_TOKEN = OpenApiParameter("X-Cart-Token", str, OpenApiParameter.HEADER, description="A guest's cart.")
_SHOWN = OpenApiExample("An order", value=ORDER_EXAMPLE, response_only=True)
_GUEST = {"email": "ada@example.com", "shipping_address": ADDRESS_EXAMPLE}
_NOTE = {
    "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c020",
    "author": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c021",
    "text": "Rang about the colour.",
    "created_at": "2026-11-21T12:00:00Z",
}


def order_token_of(request: Request) -> str | None:
    """Return the guest's token of the order that the request is about."""
    return request.META.get("HTTP_X_ORDER_TOKEN") or request.GET.get("token") or None


class OrderCollection(ApiView):
    """One's orders, and placing one."""

    @extend_schema(
        operation_id="orders_list",
        summary="List orders",
        description="A customer's own; staff with `orders.view_order` see all.",
        parameters=[OrderQuery],
        responses={200: OrderListOutput},
        examples=[
            OpenApiExample(
                "A page",
                value={"count": 1, "next": None, "previous": None, "results": [ORDER_EXAMPLE]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        viewer = customer_of(request)
        filters = OrderQuery.read(request.GET)
        page = page_of(filters)
        rows = selectors.list_orders(viewer=viewer, **filters)
        return list_response(request, rows, page=page, order=("-placed_at", "-pk"), show=order_document)

    @extend_schema(
        operation_id="orders_create",
        summary="Place an order from the cart",
        description=(
            "Turns the cart into an order; the same cart twice is the same order. Guests send `X-Cart-Token` and give "
            "e-mail and address, and get the order's `token`. With `expected_total` a changed price is refused with "
            "409 and the new quote."
        ),
        parameters=[CART_TOKEN],
        request=PlaceOrderInput,
        responses={201: OrderOutput},
        examples=[OpenApiExample("As a guest", value=_GUEST, request_only=True), _SHOWN],
    )
    def post(self, request: Request) -> Response:
        body = PlaceOrderInput(data=request.data)
        body.is_valid(raise_exception=True)
        customer, token = viewer_of(request), request.META.get("HTTP_X_CART_TOKEN") or None
        with services.looking_first(customer=customer, cart_token=token):
            order = services.place_order(
                customer=customer,
                cart_token=token,
                wish=services.PlaceOrder(**body.validated_data),
                # By this time, and a worker's, its reservation ends.
                placed_at=clock.database_now(),
            )
        logs.note(order_id=order.pk)
        return Response(
            order_document(order),
            status=201,
            headers={"Location": request.build_absolute_uri(f"{request.path.rstrip('/')}/{order.pk}")},
        )


class OrderCancel(ApiView):
    """Calling it off."""

    @extend_schema(
        operation_id="orders_cancel",
        summary="Cancel an order, or what is still to be sent of it",
        description=(
            "Its customer, or a guest with its token, cancels all of it while nothing was sent. Staff with "
            "`orders.move_order` cancel `items` of a paid order, or, without them, all that is still to be sent. What "
            "was paid for it goes back by itself; for a part, not with `refund: false`."
        ),
        parameters=ORDER_TOKEN,
        request=CancelInput,
        responses={200: OrderOutput},
        examples=[
            OpenApiExample("Why", value={"reason": "Found it elsewhere."}, request_only=True),
            OpenApiExample(
                "A part (staff)",
                value={
                    "reason": "Sold out.",
                    "items": [{"line": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c011", "quantity": 1}],
                },
                request_only=True,
            ),
            _SHOWN,
        ],
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        body = CancelInput(data=request.data)
        body.is_valid(raise_exception=True)
        order = services.cancel_order(
            order_id=order_id,
            wish=body.wish(),
            actor=viewer_of(request),
            token=order_token_of(request),
            at=timezone.now(),
        )
        return Response(order_document(order))


class OrderMoves(ApiView):
    """Staff move an order on."""

    permissions = {"POST": ("orders.move_order",)}

    @extend_schema(
        operation_id="orders_move",
        summary="Move an order on (staff)",
        request=MoveInput,
        responses={200: OrderOutput},
        examples=[
            OpenApiExample(
                "Shipped",
                value={"to": "shipped", "carrier": "Royal Mail", "tracking_number": "AB123456789GB"},
                request_only=True,
            ),
            _SHOWN,
        ],
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        body = MoveInput(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = dict(body.validated_data)
        return Response(_moved(request, order_id, to=OrderStatus(wanted.pop("to")), **wanted))


class OrderNotes(ApiView):
    """What staff want each other to know."""

    permissions = {"GET": ("orders.view_order",), "POST": ("orders.change_order",)}

    @extend_schema(
        operation_id="orders_notes_list",
        summary="Read the notes on an order (staff)",
        responses={200: NoteListOutput},
        examples=[OpenApiExample("Notes", value={"results": [_NOTE]}, response_only=True)],
    )
    def get(self, request: Request, order_id: UUID) -> Response:
        notes = selectors.list_notes(order_id=order_id)
        return Response({"results": [note_document(note) for note in notes]})

    @extend_schema(
        operation_id="orders_notes_create",
        summary="Leave a note on an order (staff)",
        request=NoteInput,
        responses={201: NoteOutput},
        examples=[
            OpenApiExample("A note", value={"text": "Rang about the colour."}, request_only=True),
            OpenApiExample("The note", value=_NOTE, response_only=True),
        ],
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        body = NoteInput(data=request.data)
        body.is_valid(raise_exception=True)
        note = services.add_note(order_id=order_id, author=customer_of(request), **body.validated_data)
        return Response(note_document(note), status=201)


def _moved(request: Request, order_id: UUID, **wanted: Any) -> dict[str, Any]:
    order = services.move_order(
        order_id=order_id, actor=viewer_of(request), token=order_token_of(request), at=timezone.now(), **wanted
    )
    return order_document(order)
