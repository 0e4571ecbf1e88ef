"""Tax rates; staff's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from core.api.etags import IF_NONE_MATCH, NOT_MODIFIED, etag_of, tagged_response
from core.api.pages import list_response, page_of
from core.api.views import ApiView, check_version
from pricing import selectors, services
from pricing.api.serializers import (
    TaxRateChanges,
    TaxRateInput,
    TaxRateOutput,
    TaxRatePage,
    TaxRateQuery,
    tax_rate_document,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.http import HttpResponse
    from rest_framework.request import Request

_INPUT = {
    "country": "PT",
    "region": "PT-30",
    "tax_class": "reduced",
    "name": "VAT",
    "percent": "4",
    "valid_from": "2026-01-01",
    "valid_until": None,
}
_SHOWN = {"id": "01993f5e-7c11-7b3a-9c55-3d1f6a0f7e23", **_INPUT}
_EXAMPLE = OpenApiExample("A rate", value=_SHOWN, response_only=True)
_PAGE_EXAMPLE = OpenApiExample(
    "A page", value={"count": 1, "next": None, "previous": None, "results": [_SHOWN]}, response_only=True
)


class TaxRateCollection(ApiView):
    """``tax-rates``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": ("pricing.view_taxrate",),
        "POST": ("pricing.add_taxrate",),
    }

    @extend_schema(
        operation_id="list_tax_rates",
        summary="The tax rates (staff)",
        description="By country, region, class and day. Needs `pricing.view_taxrate`.",
        parameters=[TaxRateQuery],
        responses={200: TaxRatePage},
        examples=[_PAGE_EXAMPLE],
    )
    def get(self, request: Request) -> Response:
        filters = TaxRateQuery.read(request.GET)
        page = page_of(filters)
        order = ("country", "region", "tax_class", "valid_from", "pk")
        return list_response(
            request, selectors.list_tax_rates(**filters), page=page, order=order, show=tax_rate_document
        )

    @extend_schema(
        operation_id="create_tax_rate",
        summary="Enter a tax rate (staff)",
        description=(
            "For one class of goods, in a country or, before that, in a region of it. A class without a rate bears the "
            "rate of `standard`. Two rates of one place and class have no day in common: end the old one first. "
            "Needs `pricing.add_taxrate`."
        ),
        request=TaxRateInput,
        responses={201: TaxRateOutput},
        examples=[OpenApiExample("A reduced rate of a region", value=_INPUT, request_only=True), _EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        body = TaxRateInput(data=request.data)
        body.is_valid(raise_exception=True)
        rate = services.create_tax_rate(data=services.TaxRateData(**body.validated_data))
        return Response(tax_rate_document(rate), status=201, headers={"Location": f"{request.path}/{rate.pk}"})


class TaxRateDetail(ApiView):
    """``tax-rates/{id}``."""

    versioned = True
    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": ("pricing.view_taxrate",),
        "PATCH": ("pricing.change_taxrate",),
        "DELETE": ("pricing.delete_taxrate",),
    }

    @extend_schema(
        operation_id="get_tax_rate",
        summary="One tax rate (staff)",
        parameters=[IF_NONE_MATCH],
        responses={200: TaxRateOutput, 304: NOT_MODIFIED},
        examples=[_EXAMPLE],
    )
    def get(self, request: Request, rate_id: UUID) -> HttpResponse:
        return tagged_response(request, _document(rate_id))

    @extend_schema(
        operation_id="update_tax_rate",
        summary="Change or end a tax rate (staff)",
        description="Orders keep the tax that they bore. Needs `pricing.change_taxrate`; honours `If-Match`.",
        request=TaxRateChanges,
        responses={200: TaxRateOutput},
        examples=[OpenApiExample("End it", value={"valid_until": "2026-12-31"}, request_only=True), _EXAMPLE],
    )
    def patch(self, request: Request, rate_id: UUID) -> Response:
        body = TaxRateChanges(data=request.data)
        body.is_valid(raise_exception=True)
        check_version(request, etag_of(_document(rate_id)))
        return Response(tax_rate_document(services.update_tax_rate(rate_id=rate_id, changes=body.validated_data)))

    @extend_schema(
        operation_id="delete_tax_rate",
        summary="Delete a tax rate (staff)",
        description="Orders keep the tax that they bore. Needs `pricing.delete_taxrate`; honours `If-Match`.",
        responses={204: None},
    )
    def delete(self, request: Request, rate_id: UUID) -> Response:
        check_version(request, etag_of(_document(rate_id)))
        services.delete_tax_rate(rate_id=rate_id)
        return Response(status=204)


def _document(rate_id: UUID) -> dict[str, Any]:
    return tax_rate_document(selectors.get_tax_rate(rate_id=rate_id))
