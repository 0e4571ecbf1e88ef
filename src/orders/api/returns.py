"""Sending things back, over HTTP: what customers and guests ask, see and show."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.viewer import customer_of, viewer_of
from core.api.pages import list_response, page_of
from core.api.uploads import UploadView
from core.api.views import ApiView, request_key_of
from orders import selectors, services
from orders.api.returns_inputs import (
    EXCHANGE_EXAMPLE,
    REQUEST_EXAMPLE,
    PicturesInput,
    ReturnInput,
    ReturnQuery,
)
from orders.api.returns_outputs import (
    LINE_EXAMPLE,
    RETURN_EXAMPLE,
    OrderReturnsOutput,
    PicturesOutput,
    ReturnListOutput,
    ReturnOutput,
    order_returns_document,
    picture_document,
    return_document,
)
from orders.api.views import ORDER_TOKEN, order_token_of
from orders.domain import MAX_PICTURES

SHOWN = OpenApiExample("A return", value=RETURN_EXAMPLE, response_only=True)
_LEFT = [{"line": LINE_EXAMPLE, "sku": "MUG-BLUE", "name": "Blue mug", "quantity": 1}]
_TYPES = ("image/jpeg", "image/png", "image/webp")


def asker_of(request: Request) -> services.Asker:
    """Return who asks: someone signed in, or a guest with the order's token."""
    return services.Asker(viewer=viewer_of(request), token=order_token_of(request))


def shown_return(request: Request, return_id: UUID) -> dict[str, Any]:
    """Return the return as its asker sees it now."""
    back = selectors.get_return(return_id=return_id, viewer=viewer_of(request), token=order_token_of(request))
    return return_document(back)


class ReturnCollection(ApiView):
    """All returns that one may see."""

    signed_in = True

    @extend_schema(
        operation_id="returns_list",
        summary="List returns",
        description="A customer's own; staff with `orders.view_return` see all.",
        parameters=[ReturnQuery],
        responses={200: ReturnListOutput},
        examples=[
            OpenApiExample(
                "A page",
                value={"count": 1, "next": None, "previous": None, "results": [RETURN_EXAMPLE]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        filters = ReturnQuery.read(request.GET)
        page = page_of(filters)
        rows = selectors.list_returns(viewer=customer_of(request), **filters)
        return list_response(request, rows, page=page, order=("-requested_at", "-pk"), show=return_document)


class OrderReturns(ApiView):
    """The returns of one order."""

    @extend_schema(
        operation_id="orders_returns_list",
        summary="List an order's returns, and what may still be sent back",
        parameters=ORDER_TOKEN,
        responses={200: OrderReturnsOutput},
        examples=[
            OpenApiExample(
                "Returns",
                value={"results": [RETURN_EXAMPLE], "returnable": _LEFT, "withdraw_until": "2026-12-07"},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request, order_id: UUID) -> Response:
        found = selectors.list_order_returns(
            order_id=order_id, viewer=viewer_of(request), token=order_token_of(request)
        )
        return Response(order_returns_document(found))

    @extend_schema(
        operation_id="orders_returns_create",
        summary="Ask to send something back",
        description=(
            "By the customer, the guest with the order's token, or staff with `orders.handle_return`. Only units that "
            "were shipped and for which no other return is open. With `wanted` `exchange` each item names the variant "
            "that is wanted instead."
        ),
        parameters=ORDER_TOKEN,
        request=ReturnInput,
        responses={201: ReturnOutput},
        examples=[
            OpenApiExample("Broken on arrival", value=REQUEST_EXAMPLE, request_only=True),
            OpenApiExample("Another size", value=EXCHANGE_EXAMPLE, request_only=True),
            SHOWN,
        ],
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        body = ReturnInput(data=request.data)
        body.is_valid(raise_exception=True)
        back = services.request_return(
            order_id=order_id,
            wish=body.wish(request_key=request_key_of(request)),
            asker=asker_of(request),
            at=timezone.now(),
        )
        return Response(
            return_document(back),
            status=201,
            headers={"Location": request.build_absolute_uri(f"/api/v1/returns/{back.pk}")},
        )


class ReturnDetail(ApiView):
    """One return."""

    @extend_schema(
        operation_id="returns_retrieve",
        summary="Show a return",
        parameters=ORDER_TOKEN,
        responses={200: ReturnOutput},
        examples=[SHOWN],
    )
    def get(self, request: Request, return_id: UUID) -> Response:
        return Response(shown_return(request, return_id))


class ReturnCancel(ApiView):
    """Keeping the goods after all."""

    @extend_schema(
        operation_id="returns_cancel",
        summary="Call a return off before the goods are here",
        parameters=ORDER_TOKEN,
        request=None,
        responses={200: ReturnOutput},
        examples=[SHOWN],
    )
    def post(self, request: Request, return_id: UUID) -> Response:
        back = services.cancel_return(return_id=return_id, asker=asker_of(request), at=timezone.now())
        return Response(return_document(back))


class ReturnPictures(UploadView):
    """Pictures of what is wrong."""

    upload_input = PicturesInput
    file_field = "images"
    folder = "returns"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before anything of a stranger's is decoded.
        selectors.get_return(return_id=kwargs["return_id"], viewer=viewer_of(request), token=order_token_of(request))
        super().initial(request, *args, **kwargs)

    @extend_schema(
        operation_id="returns_pictures_create",
        summary="Show what is wrong",
        description=(
            f"All of the pictures, or none; at most {MAX_PICTURES} a return. Each is encoded anew, without metadata, "
            "and shown to its customer and to staff alone."
        ),
        parameters=ORDER_TOKEN,
        request={"multipart/form-data": PicturesInput},
        responses={201: PicturesOutput},
        examples=[
            OpenApiExample(
                "A picture", value={"images": ["chip.jpg"]}, request_only=True, media_type="multipart/form-data"
            ),
            OpenApiExample("Added", value={"pictures": RETURN_EXAMPLE["pictures"]}, response_only=True),
        ],
    )
    def post(self, request: Request, return_id: UUID) -> Response:
        added = services.add_return_pictures(
            return_id=return_id, pictures=self.stored, asker=asker_of(request), at=timezone.now()
        )
        return Response({"pictures": [picture_document(picture) for picture in added]}, status=201)


class ReturnPictureFile(ApiView):
    """One picture."""

    @extend_schema(
        operation_id="returns_pictures_retrieve",
        summary="A picture of a return",
        parameters=ORDER_TOKEN,
        responses={(200, content_type): OpenApiTypes.BINARY for content_type in _TYPES},
    )
    def get(self, request: Request, return_id: UUID, picture_id: UUID) -> HttpResponse:
        picture = selectors.get_return_picture(
            return_id=return_id, picture_id=picture_id, viewer=viewer_of(request), token=order_token_of(request)
        )
        headers = {
            "Cache-Control": "private, no-store",
            "Content-Security-Policy": "default-src 'none'; base-uri 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        }
        return HttpResponse(picture.file.read(), content_type=picture.content_type, headers=headers)
