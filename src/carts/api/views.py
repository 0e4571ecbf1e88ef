"""The cart, over HTTP."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.viewer import customer_of, viewer_of
from carts import selectors, services
from carts.api.serializers import (
    CART_EXAMPLE,
    SHIPPING_EXAMPLE,
    AddItemInput,
    CartOutput,
    ChangeItemInput,
    MergeInput,
    QuoteInput,
    ShippingOffersOutput,
    TermsInput,
    cart_document,
    shipping_document,
)
from carts.domain import Holder, Wish
from core.api.views import ApiView
from markets.api.market import market_of, named_market

CART_TOKEN = OpenApiParameter(
    "X-Cart-Token", str, OpenApiParameter.HEADER, description="A guest's cart, as `token` of an earlier answer."
)
MARKET = OpenApiParameter("market", str, description="The market's code; without it the default market.")
_SHOWN = OpenApiExample("A cart", value=CART_EXAMPLE, response_only=True)


def holder_of(request: Request) -> Holder:
    """Return whose cart the request is about."""
    viewer = viewer_of(request)
    if viewer is not None:
        return Holder(user_id=viewer.pk, group_id=viewer.customer_group_id)
    return Holder(token=request.META.get("HTTP_X_CART_TOKEN") or None)


class CartView(ApiView):
    """The cart of whoever asks."""

    @extend_schema(
        operation_id="cart_retrieve",
        summary="Show the cart",
        parameters=[CART_TOKEN, MARKET],
        responses={200: CartOutput},
        examples=[_SHOWN],
    )
    def get(self, request: Request) -> Response:
        view = selectors.view_cart(holder=holder_of(request), market=named_market(request), at=timezone.now())
        return Response(cart_document(view))

    @extend_schema(
        operation_id="cart_update",
        summary="Say what is wished beside the goods",
        description=(
            "A coupon, a shipping method, where it goes, a VAT id. What is not named stays; an empty text takes it "
            "back. A coupon that is unknown, used up or over is refused with 422; one that does not apply yet is kept, "
            "and a warning says why."
        ),
        parameters=[CART_TOKEN, MARKET],
        request=TermsInput,
        responses={200: CartOutput},
        examples=[OpenApiExample("A coupon", value={"coupon": "SPRING"}, request_only=True), _SHOWN],
    )
    def patch(self, request: Request) -> Response:
        body = TermsInput(data=request.data)
        body.is_valid(raise_exception=True)
        view = services.set_terms(
            holder=holder_of(request),
            changes=body.validated_data,
            market=named_market(request),
            at=timezone.now(),
        )
        return Response(cart_document(view))

    @extend_schema(operation_id="cart_clear", summary="Empty the cart", parameters=[CART_TOKEN], responses={204: None})
    def delete(self, request: Request) -> Response:
        services.clear_cart(holder=holder_of(request), at=timezone.now())
        return Response(status=204)


class CartShippingMethods(ApiView):
    """How the cart can be sent."""

    @extend_schema(
        operation_id="cart_shipping_methods",
        summary="List the shipping methods that can be had for the cart",
        description="For where the cart goes by its own address, else for the market's home; cheapest first.",
        parameters=[CART_TOKEN, MARKET],
        responses={200: ShippingOffersOutput},
        examples=[OpenApiExample("Two", value=SHIPPING_EXAMPLE, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        view = selectors.view_cart(holder=holder_of(request), market=named_market(request), at=timezone.now())
        return Response(shipping_document(view))


class CartItemCollection(ApiView):
    """Putting things in."""

    @extend_schema(
        operation_id="cart_items_create",
        summary="Put something into the cart",
        parameters=[CART_TOKEN, MARKET],
        request=AddItemInput,
        responses={201: CartOutput},
        examples=[OpenApiExample("By SKU", value={"sku": "MUG-BLUE", "quantity": 2}, request_only=True), _SHOWN],
    )
    def post(self, request: Request) -> Response:
        body = AddItemInput(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        view = services.add_item(
            holder=holder_of(request),
            wish=Wish(variant_id=wanted.get("variant"), sku=wanted.get("sku"), quantity=wanted["quantity"]),
            market=named_market(request),
            at=timezone.now(),
        )
        return Response(cart_document(view), status=201)


class CartItemDetail(ApiView):
    """One item."""

    @extend_schema(
        operation_id="cart_items_update",
        summary="Change how many are wanted",
        parameters=[CART_TOKEN],
        request=ChangeItemInput,
        responses={200: CartOutput},
        examples=[OpenApiExample("Three", value={"quantity": 3}, request_only=True), _SHOWN],
    )
    def patch(self, request: Request, item_id: UUID) -> Response:
        body = ChangeItemInput(data=request.data)
        body.is_valid(raise_exception=True)
        view = services.change_item(
            holder=holder_of(request), item_id=item_id, at=timezone.now(), **body.validated_data
        )
        return Response(cart_document(view))

    @extend_schema(
        operation_id="cart_items_delete", summary="Take an item out", parameters=[CART_TOKEN], responses={204: None}
    )
    def delete(self, request: Request, item_id: UUID) -> Response:
        services.remove_item(holder=holder_of(request), item_id=item_id, at=timezone.now())
        return Response(status=204)


class CartQuote(ApiView):
    """Pricing without a cart."""

    idempotent = False

    @extend_schema(
        operation_id="cart_quote",
        summary="Price a cart that the client keeps",
        description="Stores nothing.",
        parameters=[MARKET],
        request=QuoteInput,
        responses={200: CartOutput},
        examples=[
            OpenApiExample("Two mugs", value={"items": [{"sku": "MUG-BLUE", "quantity": 2}]}, request_only=True),
            _SHOWN,
        ],
    )
    def post(self, request: Request) -> Response:
        body = QuoteInput(data=request.data)
        body.is_valid(raise_exception=True)
        wanted: dict[str, int] = {}
        for item in body.validated_data["items"]:
            wanted[item["sku"]] = wanted.get(item["sku"], 0) + item["quantity"]
        view = selectors.quote_items(
            wanted=wanted,
            terms=body.terms,
            holder=holder_of(request),
            market=market_of(request),
            at=timezone.now(),
        )
        return Response(cart_document(view))


class CartMerge(ApiView):
    """Bringing a guest's cart to the customer's."""

    signed_in = True

    @extend_schema(
        operation_id="cart_merge",
        summary="Merge a guest's cart into the customer's",
        description="Quantities are added, up to what is in stock.",
        parameters=[MARKET],
        request=MergeInput,
        responses={200: CartOutput},
        examples=[OpenApiExample("By token", value={"token": "pT4m…"}, request_only=True), _SHOWN],
    )
    def post(self, request: Request) -> Response:
        body = MergeInput(data=request.data)
        body.is_valid(raise_exception=True)
        customer_of(request)
        holder, market, at = holder_of(request), market_of(request), timezone.now()
        if "token" in body.validated_data:
            view = services.merge_token(holder=holder, token=body.validated_data["token"], market=market, at=at)
        else:
            wishes = [
                Wish(variant_id=item.get("variant"), sku=item.get("sku"), quantity=item["quantity"])
                for item in body.validated_data["items"]
            ]
            view = services.merge_items(holder=holder, wishes=wishes, market=market, at=at)
        return Response(cart_document(view))
