"""``customer-groups``: customers with prices and promotions of their own."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services
from accounts.api import examples
from accounts.api.serializers import (
    GroupChanges,
    GroupInput,
    GroupOutput,
    GroupPageOutput,
    group_document,
)
from core.api.pages import PageQuery, list_response, page_of
from core.api.views import ApiView


class CustomerGroupsView(ApiView):
    """All customer groups."""

    permissions = {"GET": ("accounts.view_customergroup",), "POST": ("accounts.add_customergroup",)}

    @extend_schema(
        operation_id="list_customer_groups",
        summary="Customer groups (staff)",
        parameters=[PageQuery],
        responses={200: GroupPageOutput},
        examples=[examples.told(examples.page(examples.GROUP))],
    )
    def get(self, request: Request) -> Response:
        page = page_of(PageQuery.read(request.GET))
        rows = selectors.list_customer_groups()
        return list_response(request, rows, page=page, order=("code", "pk"), show=group_document)

    @extend_schema(
        operation_id="create_customer_group",
        summary="Make a customer group (staff)",
        request=GroupInput,
        responses={201: GroupOutput},
        examples=[examples.asked(examples.GROUP), examples.told(examples.GROUP, 201)],
    )
    def post(self, request: Request) -> Response:
        body = GroupInput(data=request.data)
        body.is_valid(raise_exception=True)
        group = services.create_customer_group(**body.validated_data, at=timezone.now())
        return Response(group_document(group), status=201)


class CustomerGroupView(ApiView):
    """One customer group."""

    permissions = {
        "GET": ("accounts.view_customergroup",),
        "PATCH": ("accounts.change_customergroup",),
        "DELETE": ("accounts.delete_customergroup",),
    }

    @extend_schema(
        operation_id="get_customer_group",
        summary="A customer group (staff)",
        responses={200: GroupOutput},
        examples=[examples.told(examples.GROUP)],
    )
    def get(self, request: Request, code: str) -> Response:
        return Response(group_document(selectors.get_customer_group(code=code)))

    @extend_schema(
        operation_id="rename_customer_group",
        summary="Give a customer group another name (staff)",
        request=GroupChanges,
        responses={200: GroupOutput},
        examples=[examples.asked({"name": "Wholesale"}), examples.told(examples.GROUP)],
    )
    def patch(self, request: Request, code: str) -> Response:
        body = GroupChanges(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(group_document(services.rename_customer_group(code=code, **body.validated_data)))

    @extend_schema(
        operation_id="delete_customer_group",
        summary="Remove a customer group (staff)",
        description="Who was in it is in none. A group with price lists of its own stays.",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, code: str) -> Response:
        services.delete_customer_group(code=code)
        return Response(status=204)
