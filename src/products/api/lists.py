"""``price-lists``: other prices by market, customer group, quantity and time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from core.api.pages import PageQuery, list_response, page_of
from core.api.views import ApiView
from products import selectors, services
from products.api import examples
from products.api.list_serializers import (
    ListPricePage,
    ListPriceQuery,
    ListPricesInput,
    PriceListChanges,
    PriceListInput,
    PriceListOutput,
    PriceListPage,
    list_price_document,
    list_price_lines,
    price_list_document,
)
from products.api.serializers import PricesOutput
from products.services import PriceListData

if TYPE_CHECKING:
    from rest_framework.request import Request

    from core.api.serializers import Input


class PriceListCollection(ApiView):
    """``price-lists``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": ("products.view_pricelist",),
        "POST": ("products.add_pricelist",),
    }

    @extend_schema(
        operation_id="list_price_lists",
        summary="Price lists (staff)",
        parameters=[PageQuery],
        responses={200: PriceListPage},
        examples=[examples.PRICE_LIST_PAGE],
    )
    def get(self, request: Request) -> Response:
        page = page_of(PageQuery.read(request.GET))
        rows = selectors.list_price_lists()
        return list_response(request, rows, page=page, order=("code", "pk"), show=price_list_document)

    @extend_schema(
        operation_id="create_price_list",
        summary="Make a price list (staff)",
        description="Its prices follow by `PUT price-lists/{code}/prices`.",
        request=PriceListInput,
        responses={201: PriceListOutput},
        examples=[examples.NEW_PRICE_LIST, examples.PRICE_LIST],
    )
    def post(self, request: Request) -> Response:
        data = PriceListData(**_valid(PriceListInput, request))
        row = services.create_price_list(data=data, at=timezone.now())
        return _shown(row.code, status=201)


class PriceListDetail(ApiView):
    """``price-lists/{code}``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": ("products.view_pricelist",),
        "PATCH": ("products.change_pricelist",),
        "DELETE": ("products.delete_pricelist",),
    }

    @extend_schema(
        operation_id="get_price_list",
        summary="A price list (staff)",
        responses={200: PriceListOutput},
        examples=[examples.PRICE_LIST],
    )
    def get(self, request: Request, code: str) -> Response:
        return _shown(code)

    @extend_schema(
        operation_id="update_price_list",
        summary="Change a price list (staff)",
        description="What it changes shows in all documents at once.",
        request=PriceListChanges,
        responses={200: PriceListOutput},
        examples=[examples.PRICE_LIST_CHANGES, examples.PRICE_LIST],
    )
    def patch(self, request: Request, code: str) -> Response:
        changes = _valid(PriceListChanges, request, partial=True)
        services.update_price_list(code=code, changes=changes, at=timezone.now())
        return _shown(code)

    @extend_schema(
        operation_id="delete_price_list",
        summary="Remove a price list with its prices (staff)",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, code: str) -> Response:
        services.delete_price_list(code=code, at=timezone.now())
        return Response(status=204)


class ListPrices(ApiView):
    """``price-lists/{code}/prices``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": ("products.view_pricelist",),
        "PUT": ("products.change_pricelist",),
    }

    @extend_schema(
        operation_id="list_list_prices",
        summary="The prices of a list (staff)",
        parameters=[ListPriceQuery],
        responses={200: ListPricePage},
        examples=[examples.LIST_PRICE_PAGE],
    )
    def get(self, request: Request, code: str) -> Response:
        filters = ListPriceQuery.read(request.GET)
        page = page_of(filters)
        rows = selectors.list_list_prices(code=code, **filters)
        order = ("variant", "min_quantity", "pk")
        return list_response(request, rows, page=page, order=order, show=list_price_document)

    @extend_schema(
        operation_id="set_list_prices",
        summary="Write prices of a list (staff)",
        description="All or none; a refusal names every bad line. Prices that are not named stay; null removes one.",
        request=ListPricesInput,
        responses={200: PricesOutput},
        examples=[examples.LIST_PRICES, examples.PRICES_DONE],
    )
    def put(self, request: Request, code: str) -> Response:
        lines = list_price_lines(_valid(ListPricesInput, request))
        return Response({"products_changed": services.set_list_prices(code=code, lines=lines, at=timezone.now())})


def _valid(kind: type[Input], request: Request, *, partial: bool = False) -> dict[str, Any]:
    body = kind(data=request.data, partial=partial)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _shown(code: str, *, status: int = 200) -> Response:
    return Response(price_list_document(selectors.get_price_list(code=code)), status=status)
