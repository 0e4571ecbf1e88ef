"""Where the shop sells: public to read, staff's to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from core.api.etags import IF_NONE_MATCH, NOT_MODIFIED, etag_of, tagged_response
from core.api.pages import page_of
from core.api.views import ApiView, check_version
from core.pagination import page_body, paginate
from markets import selectors, services
from markets.api.serializers import (
    MarketChanges,
    MarketInput,
    MarketOutput,
    MarketPage,
    MarketQuery,
    market_document,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpResponse
    from rest_framework.request import Request

_SHOWN = {
    "code": "de",
    "name": "Germany and Austria",
    "countries": ["DE", "AT"],
    "currency": "EUR",
    "language": "de",
    "prices_include_tax": True,
    "home_country": "DE",
    "tax_rounding": "line",
    "is_default": False,
    "is_active": True,
}
_EXAMPLE = OpenApiExample("A market", value=_SHOWN, response_only=True)


class MarketCollection(ApiView):
    """``markets``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": ("markets.add_market",)}

    @extend_schema(
        operation_id="list_markets",
        summary="The markets that are open",
        description="Name one by `?market=` or `X-Market` to read the catalogue as it is sold there.",
        parameters=[MarketQuery, IF_NONE_MATCH],
        responses={200: MarketPage, 304: NOT_MODIFIED},
        examples=[
            OpenApiExample(
                "A page",
                value={"count": 1, "next": None, "previous": None, "results": [_SHOWN]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> HttpResponse:
        page = page_of(MarketQuery.read(request.GET))
        found = paginate(selectors.list_markets(), page=page, order=("code", "pk"))
        address = request.build_absolute_uri(request.path)
        body = page_body(found, wanted=page, address=address, query=request.GET.dict(), show=market_document)
        return tagged_response(request, body)

    @extend_schema(
        operation_id="create_market",
        summary="Open a market",
        description="What it lists is rendered in the background. Needs `markets.add_market`.",
        request=MarketInput,
        responses={201: MarketOutput},
        examples=[
            OpenApiExample(
                "A market in euros",
                value={
                    "code": "de",
                    "name": "Germany and Austria",
                    "countries": ["DE", "AT"],
                    "currency": "EUR",
                    "language": "de",
                },
                request_only=True,
            ),
            _EXAMPLE,
        ],
    )
    def post(self, request: Request) -> Response:
        body = MarketInput(data=request.data)
        body.is_valid(raise_exception=True)
        market = services.create_market(data=services.MarketData(**body.validated_data), at=timezone.now())
        return Response(market_document(market), status=201, headers={"Location": f"{request.path}/{market.code}"})


class MarketDetail(ApiView):
    """``markets/{code}``."""

    versioned = True
    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"PATCH": ("markets.change_market",)}

    @extend_schema(
        operation_id="get_market",
        summary="One open market",
        parameters=[IF_NONE_MATCH],
        responses={200: MarketOutput, 304: NOT_MODIFIED},
        examples=[_EXAMPLE],
    )
    def get(self, request: Request, code: str) -> HttpResponse:
        return tagged_response(request, market_document(selectors.get_market_by_code(code=code)))

    @extend_schema(
        operation_id="update_market",
        summary="Change, close or reopen a market",
        description="Its code and currency stay. Needs `markets.change_market`; honours `If-Match`.",
        request=MarketChanges,
        responses={200: MarketOutput},
        examples=[
            OpenApiExample("Close it", value={"is_active": False}, request_only=True),
            OpenApiExample("The market, closed", value={**_SHOWN, "is_active": False}, response_only=True),
        ],
    )
    def patch(self, request: Request, code: str) -> Response:
        body = MarketChanges(data=request.data)
        body.is_valid(raise_exception=True)
        present = selectors.get_market_by_code(code=code, active_only=False)
        check_version(request, etag_of(market_document(present)))
        market = services.update_market(code=code, changes=body.validated_data, at=timezone.now())
        return Response(market_document(market))
