"""Orders that staff write, over HTTP."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.viewer import customer_of
from core.api.pages import list_response, page_of
from core.api.views import ApiView
from orders import selectors, services
from orders.api.drafts_serializers import (
    DRAFT_EXAMPLE,
    ITEMS_EXAMPLE,
    QUOTE_EXAMPLE,
    DraftInput,
    DraftListOutput,
    DraftOutput,
    DraftQuery,
    DraftQuoteOutput,
    NewDraftInput,
    PlaceDraftInput,
    draft_document,
    quote_document,
)
from orders.api.serializers import ADDRESS_EXAMPLE, ORDER_EXAMPLE, OrderOutput, order_document

_SHOWN = OpenApiExample("A draft", value=DRAFT_EXAMPLE, response_only=True)
_MAY_CHANGE = ("orders.change_draftorder",)


class DraftCollection(ApiView):
    """Drafts of all staff."""

    permissions = {"GET": ("orders.view_draftorder",), "POST": ("orders.add_draftorder",)}

    @extend_schema(
        operation_id="draft_orders_list",
        summary="List draft orders (staff)",
        parameters=[DraftQuery],
        responses={200: DraftListOutput},
        examples=[
            OpenApiExample(
                "A page",
                value={"count": 1, "next": None, "previous": None, "results": [DRAFT_EXAMPLE]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        filters = DraftQuery.read(request.GET)
        page = page_of(filters)
        rows = selectors.list_drafts(**filters)
        return list_response(request, rows, page=page, order=("-created_at", "-pk"), show=draft_document)

    @extend_schema(
        operation_id="draft_orders_create",
        summary="Draft an order (staff)",
        description=(
            "For a customer, or for an e-mail. A line with `unit_price` costs what was agreed: promotions and the "
            "coupon are tried on the other lines. Nothing is reserved before it is placed."
        ),
        request=NewDraftInput,
        responses={201: DraftOutput},
        examples=[
            OpenApiExample(
                "For an e-mail",
                value={"email": "ada@example.com", "items": ITEMS_EXAMPLE, "shipping_address": ADDRESS_EXAMPLE},
                request_only=True,
            ),
            _SHOWN,
        ],
    )
    def post(self, request: Request) -> Response:
        body = NewDraftInput(data=request.data)
        body.is_valid(raise_exception=True)
        draft = services.create_draft(
            market=body.validated_data.get("market"), changes=body.changes(), author=customer_of(request)
        )
        return Response(
            draft_document(draft),
            status=201,
            headers={"Location": request.build_absolute_uri(f"{request.path.rstrip('/')}/{draft.pk}")},
        )


class DraftDetail(ApiView):
    """One draft."""

    permissions = {"GET": ("orders.view_draftorder",), "PATCH": _MAY_CHANGE, "DELETE": ("orders.delete_draftorder",)}

    @extend_schema(
        operation_id="draft_orders_retrieve",
        summary="Show a draft order (staff)",
        responses={200: DraftOutput},
        examples=[_SHOWN],
    )
    def get(self, request: Request, draft_id: UUID) -> Response:
        return Response(draft_document(selectors.get_draft(draft_id=draft_id)))

    @extend_schema(
        operation_id="draft_orders_update",
        summary="Change a draft order (staff)",
        request=DraftInput,
        responses={200: DraftOutput},
        examples=[OpenApiExample("Its items", value={"items": ITEMS_EXAMPLE}, request_only=True), _SHOWN],
    )
    def patch(self, request: Request, draft_id: UUID) -> Response:
        body = DraftInput(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(draft_document(services.update_draft(draft_id=draft_id, changes=body.changes())))

    @extend_schema(operation_id="draft_orders_delete", summary="Give a draft order up (staff)", responses={204: None})
    def delete(self, request: Request, draft_id: UUID) -> Response:
        services.cancel_draft(draft_id=draft_id)
        return Response(status=204)


class DraftPrice(ApiView):
    """What a draft would cost."""

    permissions = {"GET": ("orders.view_draftorder",)}

    @extend_schema(
        operation_id="draft_orders_quote",
        summary="Price a draft order as if it were placed now (staff)",
        responses={200: DraftQuoteOutput},
        examples=[OpenApiExample("A quote", value=QUOTE_EXAMPLE, response_only=True)],
    )
    def get(self, request: Request, draft_id: UUID) -> Response:
        return Response(quote_document(selectors.draw_draft(draft_id=draft_id, at=timezone.now())))


class DraftPlacing(ApiView):
    """Making an order of it."""

    permissions = {"POST": (*_MAY_CHANGE, "orders.add_order")}

    @extend_schema(
        operation_id="draft_orders_place",
        summary="Place a draft order (staff)",
        description=(
            "Reserves its stock, makes a pending order and mails its buyer the link by which it is paid. The same "
            "draft twice is the same order. With `expected_total` a changed price is refused with 409 and the quote."
        ),
        request=PlaceDraftInput,
        responses={201: OrderOutput},
        examples=[
            OpenApiExample("Until then", value={"expires_at": "2026-12-05T12:00:00Z"}, request_only=True),
            OpenApiExample("The order", value=ORDER_EXAMPLE, response_only=True),
        ],
    )
    def post(self, request: Request, draft_id: UUID) -> Response:
        body = PlaceDraftInput(data=request.data)
        body.is_valid(raise_exception=True)
        order = services.place_draft(
            draft_id=draft_id, actor=customer_of(request), at=timezone.now(), **body.validated_data
        )
        return Response(order_document(order), status=201)
