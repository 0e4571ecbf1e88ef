"""Ways to pay that a customer keeps, over HTTP."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.viewer import customer_of
from core.api.pages import PageQuery, list_response, page_of
from core.api.views import ApiView
from payments import selectors, services
from payments.api.methods_serializers import (
    METHOD_EXAMPLE,
    ChangeMethodInput,
    SavedMethodListOutput,
    SavedMethodOutput,
    method_document,
)

_SHOWN = OpenApiExample("A card", value=METHOD_EXAMPLE, response_only=True)


class MethodCollection(ApiView):
    """One's saved ways to pay."""

    signed_in = True

    @extend_schema(
        operation_id="payment_methods_list",
        summary="Your saved ways to pay, the default first, then the newest",
        description="One is kept by paying with `save`. Of a card no more is known here than what is shown.",
        parameters=[PageQuery],
        responses={200: SavedMethodListOutput},
        examples=[
            OpenApiExample(
                "A page",
                value={"count": 1, "next": None, "previous": None, "results": [METHOD_EXAMPLE]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        page = page_of(PageQuery.read(request.GET))
        rows = selectors.list_saved_methods(customer=customer_of(request))
        order = ("-is_default", "-created_at", "-pk")
        return list_response(request, rows, page=page, order=order, show=method_document)


class MethodDetail(ApiView):
    """One of them."""

    signed_in = True

    @extend_schema(
        operation_id="payment_methods_retrieve",
        summary="One of your saved ways to pay",
        responses={200: SavedMethodOutput},
        examples=[_SHOWN],
    )
    def get(self, request: Request, saved_method_id: UUID) -> Response:
        method = selectors.get_saved_method(customer=customer_of(request), method_id=saved_method_id)
        return Response(method_document(method))

    @extend_schema(
        operation_id="payment_methods_update",
        summary="Offer it first, or not",
        request=ChangeMethodInput,
        responses={200: SavedMethodOutput},
        examples=[OpenApiExample("The default", value={"is_default": True}, request_only=True), _SHOWN],
    )
    def patch(self, request: Request, saved_method_id: UUID) -> Response:
        body = ChangeMethodInput(data=request.data)
        body.is_valid(raise_exception=True)
        method = services.set_default_method(
            customer_id=customer_of(request).pk, method_id=saved_method_id, **body.validated_data
        )
        return Response(method_document(method))

    @extend_schema(
        operation_id="payment_methods_delete",
        summary="Forget it",
        description="It is gone at once; the provider is told to forget it, too, until it has.",
        responses={204: None},
    )
    def delete(self, request: Request, saved_method_id: UUID) -> Response:
        services.remove_method(customer_id=customer_of(request).pk, method_id=saved_method_id, at=timezone.now())
        return Response(status=204)
