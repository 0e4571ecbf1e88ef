"""Gift cards and store credit, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from accounts import services as accounts
from accounts.api.viewer import customer_of
from core.api.pages import PageQuery, list_response, page_of
from core.api.views import ApiView
from payments import selectors, services
from payments.api.balances_serializers import (
    GIFT_CARD_EXAMPLE,
    MOVEMENT_EXAMPLE,
    STORE_CREDIT_EXAMPLE,
    BalanceMovementPage,
    CheckedOutput,
    CodeInput,
    GiftCardChanges,
    GiftCardInput,
    GiftCardOutput,
    GiftCardPage,
    GiftCardQuery,
    GrantInput,
    NewGiftCardOutput,
    StoreCreditOutput,
    checked_document,
    gift_card_document,
    movement_document,
    store_credit_document,
)
from payments.domain import store_credit_of

_CARD = OpenApiExample("A gift card", value=GIFT_CARD_EXAMPLE, response_only=True)
_CREDIT = OpenApiExample("Store credit", value=STORE_CREDIT_EXAMPLE, response_only=True)


def _page(row: dict[str, Any]) -> OpenApiExample:
    value = {"count": 1, "next": None, "previous": None, "results": [row]}
    return OpenApiExample("A page", value=value, response_only=True)


class GuessThrottle(BaseThrottle):
    """Tries of gift cards' codes per network address."""

    def allow_request(self, request: Any, view: Any) -> bool:
        """:raises TooManyAttempts: too many within a quarter of an hour"""
        accounts.count_guess(of="gift_card", address=request.META.get("REMOTE_ADDR", ""), at=timezone.now())
        return True


class GiftCardCollection(ApiView):
    """``gift-cards``."""

    permissions = {"GET": ("payments.view_balance",), "POST": ("payments.issue_balance",)}

    @extend_schema(
        operation_id="gift_cards_list",
        summary="List gift cards (staff)",
        parameters=[GiftCardQuery],
        responses={200: GiftCardPage},
        examples=[_page(GIFT_CARD_EXAMPLE)],
    )
    def get(self, request: Request) -> Response:
        filters = GiftCardQuery.read(request.GET)
        page = page_of(filters)
        rows = selectors.list_gift_cards(**filters)
        return list_response(request, rows, page=page, order=("-created_at", "-pk"), show=gift_card_document)

    @extend_schema(
        operation_id="gift_cards_create",
        summary="Make a gift card (staff)",
        description="The answer holds its code, this once: only a digest of it is kept. With a recipient it is mailed.",
        request=GiftCardInput,
        responses={201: NewGiftCardOutput},
        examples=[
            OpenApiExample(
                "Fifty pounds",
                value={"amount": {"amount": "50.00", "currency": "GBP"}, "note": "Prize draw"},
                request_only=True,
            ),
            OpenApiExample("Made", value=GIFT_CARD_EXAMPLE | {"code": "7K3M-Q2X9-ABCD-Z4K9"}, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        body = GiftCardInput(data=request.data)
        body.is_valid(raise_exception=True)
        made = services.issue_gift_card(wish=body.wish(), actor=customer_of(request), at=timezone.now())
        return Response(gift_card_document(made.card) | {"code": made.code}, status=201)


class GiftCardDetail(ApiView):
    """``gift-cards/{id}``."""

    permissions = {"GET": ("payments.view_balance",), "PATCH": ("payments.issue_balance",)}

    @extend_schema(
        operation_id="gift_cards_retrieve",
        summary="Show a gift card (staff)",
        responses={200: GiftCardOutput},
        examples=[_CARD],
    )
    def get(self, request: Request, balance_id: UUID) -> Response:
        return Response(gift_card_document(selectors.get_gift_card(balance_id=balance_id)))

    @extend_schema(
        operation_id="gift_cards_update",
        summary="Block a gift card, or move its end (staff)",
        request=GiftCardChanges,
        responses={200: GiftCardOutput},
        examples=[OpenApiExample("Lost", value={"is_active": False, "note": "Lost"}, request_only=True), _CARD],
    )
    def patch(self, request: Request, balance_id: UUID) -> Response:
        body = GiftCardChanges(data=request.data)
        body.is_valid(raise_exception=True)
        card = services.change_gift_card(balance_id=balance_id, changes=body.validated_data)
        return Response(gift_card_document(card))


class GiftCardMovements(ApiView):
    """``gift-cards/{id}/movements``."""

    permissions = {"GET": ("payments.view_balance",)}

    @extend_schema(
        operation_id="gift_cards_movements",
        summary="What happened to a gift card (staff)",
        parameters=[PageQuery],
        responses={200: BalanceMovementPage},
        examples=[_page(MOVEMENT_EXAMPLE | {"kind": "gift_card_issued"})],
    )
    def get(self, request: Request, balance_id: UUID) -> Response:
        page = page_of(PageQuery.read(request.GET))
        rows = selectors.list_gift_card_movements(balance_id=balance_id)
        return list_response(request, rows, page=page, order=("-pk",), show=movement_document)


class GiftCardCheck(ApiView):
    """``gift-cards/check``."""

    is_counted = True
    throttle_classes = [GuessThrottle]
    # It changes nothing, and each try counts.
    idempotent = False

    @extend_schema(
        operation_id="gift_cards_check",
        summary="What is on a gift card",
        description="For whoever knows its code. A code that is unknown and one that is blocked are refused alike.",
        request=CodeInput,
        responses={200: CheckedOutput},
        examples=[
            OpenApiExample("A code", value={"code": "7K3M-Q2X9-ABCD-Z4K9"}, request_only=True),
            OpenApiExample(
                "What is left",
                value={"left": {"amount": "50.00", "currency": "GBP"}, "expires_at": None},
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = CodeInput(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(checked_document(selectors.check_gift_card(code=body.validated_data["code"])))


class OwnStoreCredit(ApiView):
    """``me/store-credit``."""

    signed_in = True

    @extend_schema(
        operation_id="me_store_credit",
        summary="My store credit",
        responses={200: StoreCreditOutput},
        examples=[_CREDIT],
    )
    def get(self, request: Request) -> Response:
        return Response(store_credit_document(selectors.store_credit(customer_id=customer_of(request).pk)))


class OwnMovements(ApiView):
    """``me/store-credit/movements``."""

    signed_in = True

    @extend_schema(
        operation_id="me_store_credit_movements",
        summary="What came to my store credit, and left it",
        parameters=[PageQuery],
        responses={200: BalanceMovementPage},
        examples=[_page(MOVEMENT_EXAMPLE)],
    )
    def get(self, request: Request) -> Response:
        page = page_of(PageQuery.read(request.GET))
        rows = selectors.list_movements(account=store_credit_of(customer_of(request).pk))
        return list_response(request, rows, page=page, order=("-pk",), show=movement_document)


class CustomerStoreCredit(ApiView):
    """``customers/{id}/store-credit``."""

    permissions = {"GET": ("payments.view_balance",), "POST": ("payments.issue_balance",)}

    @extend_schema(
        operation_id="customers_store_credit",
        summary="A customer's store credit (staff)",
        responses={200: StoreCreditOutput},
        examples=[_CREDIT],
    )
    def get(self, request: Request, customer_id: UUID) -> Response:
        return Response(store_credit_document(selectors.store_credit_of_customer(customer_id=customer_id)))

    @extend_schema(
        operation_id="customers_store_credit_grant",
        summary="Grant store credit (staff)",
        request=GrantInput,
        responses={201: StoreCreditOutput},
        examples=[
            OpenApiExample(
                "For the trouble",
                value={"amount": {"amount": "5.00", "currency": "GBP"}, "note": "For the trouble."},
                request_only=True,
            ),
            _CREDIT,
        ],
    )
    def post(self, request: Request, customer_id: UUID) -> Response:
        body = GrantInput(data=request.data)
        body.is_valid(raise_exception=True)
        balance = services.grant_store_credit(
            customer_id=customer_id, actor=customer_of(request), at=timezone.now(), **body.validated_data
        )
        return Response(store_credit_document([balance]), status=201)
