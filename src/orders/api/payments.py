"""Paying for orders, over HTTP."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.viewer import customer_of, viewer_of
from core import logs
from core.api.pages import list_response, page_of
from core.api.views import ApiView, request_key_of
from orders import selectors, services
from orders.api.payments_serializers import (
    PAYMENT_EXAMPLE,
    PayInput,
    PaymentListOutput,
    PaymentOutput,
    PaymentQuery,
    payment_document,
)
from orders.api.views import ORDER_TOKEN, order_token_of
from payments import selectors as payment_reads

_SHOWN = OpenApiExample("A payment", value=PAYMENT_EXAMPLE, response_only=True)


class PaymentCollection(ApiView):
    """The payments of one's orders, and paying."""

    is_counted = True
    in_beats = True

    @extend_schema(
        operation_id="payments_list",
        summary="List payments",
        description="Of a customer's own orders; staff with `orders.view_order` see all.",
        parameters=[PaymentQuery],
        responses={200: PaymentListOutput},
        examples=[
            OpenApiExample(
                "A page",
                value={"count": 1, "next": None, "previous": None, "results": [PAYMENT_EXAMPLE]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        viewer = customer_of(request)
        filters = PaymentQuery.read(request.GET)
        page = page_of(filters)
        mine = selectors.visible_orders(viewer=viewer).values("pk")
        rows = payment_reads.list_payments(order_ids=mine, **filters)
        return list_response(request, rows, page=page, order=("-created_at", "-pk"), show=payment_document)

    @extend_schema(
        operation_id="payments_create",
        summary="Pay for an order",
        description=(
            "Begins to pay, or goes on with what was begun: at most one attempt lives at a time. With `next_action` "
            "the shopper opens its address and comes back to `return_url`; then ask for the payment. Guests send the "
            "order's token. A gift card and a customer's `store_credit` pay at once, as far as they go: `to_pay` says "
            "what is left for the next attempt. With `save` a signed-in customer keeps the way to pay, and pays "
            "with it another time by `saved_method`."
        ),
        parameters=ORDER_TOKEN,
        request=PayInput,
        responses={201: PaymentOutput},
        examples=[
            OpenApiExample(
                "By the sandbox's page",
                value={
                    "order": PAYMENT_EXAMPLE["order"],
                    "provider": "sandbox",
                    "return_url": "https://shop.example/thanks",
                },
                request_only=True,
            ),
            OpenApiExample(
                "By a gift card, as far as it goes",
                value={
                    "order": PAYMENT_EXAMPLE["order"],
                    "provider": "gift_card",
                    "gift_card": "7K3M-Q2X9-ABCD-Z4K9",
                },
                request_only=True,
            ),
            OpenApiExample(
                "With a test card",
                value={"order": PAYMENT_EXAMPLE["order"], "provider": "sandbox", "card": "success", "save": True},
                request_only=True,
            ),
            OpenApiExample(
                "With a saved way to pay",
                value={
                    "order": PAYMENT_EXAMPLE["order"],
                    "saved_method": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c050",
                    "return_url": "https://shop.example/thanks",
                },
                request_only=True,
            ),
            _SHOWN,
        ],
    )
    def post(self, request: Request) -> Response:
        body = PayInput(data=request.data)
        body.is_valid(raise_exception=True)
        logs.note(order_id=body.validated_data["order"])
        payer = services.Payer(
            viewer=viewer_of(request), token=order_token_of(request), address=request.META.get("REMOTE_ADDR", "")
        )
        payment = services.pay_order(
            order_id=body.validated_data["order"],
            wish=body.wish(request_key=request_key_of(request)),
            payer=payer,
            at=timezone.now(),
        )
        return Response(
            payment_document(payment),
            status=201,
            headers={"Location": request.build_absolute_uri(f"{request.path.rstrip('/')}/{payment.pk}")},
        )


class PaymentDetail(ApiView):
    """One payment."""

    @extend_schema(
        operation_id="payments_retrieve",
        summary="Show a payment",
        description="While it is under way, its provider is asked first.",
        parameters=ORDER_TOKEN,
        responses={200: PaymentOutput},
        examples=[_SHOWN],
    )
    def get(self, request: Request, payment_id: UUID) -> Response:
        payment = services.show_payment(
            payment_id=payment_id, viewer=viewer_of(request), token=order_token_of(request), at=timezone.now()
        )
        return Response(payment_document(payment))
