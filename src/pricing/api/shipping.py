"""Where the shop sends to, how, and for how much; staff's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from core.api.etags import IF_NONE_MATCH, NOT_MODIFIED, etag_of, tagged_response
from core.api.pages import PageQuery, list_response, page_of
from core.api.views import ApiView, check_version
from pricing import selectors, services
from pricing.api.serializers import (
    MethodChanges,
    MethodInput,
    MethodOutput,
    MethodPage,
    MethodQuery,
    ZoneChanges,
    ZoneInput,
    ZoneOutput,
    ZonePage,
    method_document,
    zone_document,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.http import HttpResponse
    from rest_framework.request import Request

_ZONE_INPUT = {"name": "British Isles", "countries": ["GB", "IE"], "regions": []}
_ZONE = {"id": "01993f5e-7c11-7b3a-9c55-3d1f6a0f7e21", **_ZONE_INPUT}
_METHOD_INPUT = {
    "zone": _ZONE["id"],
    "code": "parcel",
    "name": "Parcel",
    "kind": "weight",
    "rates": [
        {"price": {"amount": "3.95", "currency": "GBP"}, "from_weight_grams": 0},
        {"price": {"amount": "7.50", "currency": "GBP"}, "from_weight_grams": 2000},
    ],
    "free_from": [{"amount": "60.00", "currency": "GBP"}],
    "min_days": 2,
    "max_days": 4,
    "max_weight_grams": 30000,
}
_METHOD = {
    "id": "01993f5e-7c11-7b3a-9c55-3d1f6a0f7e22",
    **_METHOD_INPUT,
    "tax_class": "standard",
    "place": None,
    "position": 0,
    "is_active": True,
}
_EXAMPLE_ZONE = OpenApiExample("A zone", value=_ZONE, response_only=True)
_EXAMPLE_METHOD = OpenApiExample("A method by weight", value=_METHOD, response_only=True)


def _page_example(row: dict[str, Any]) -> OpenApiExample:
    page = {"count": 1, "next": None, "previous": None, "results": [row]}
    return OpenApiExample("A page", value=page, response_only=True)


class ZoneCollection(ApiView):
    """``shipping-zones``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": ("pricing.view_shippingzone",),
        "POST": ("pricing.add_shippingzone",),
    }

    @extend_schema(
        operation_id="list_shipping_zones",
        summary="Where the shop sends to (staff)",
        description="By name. Needs `pricing.view_shippingzone`.",
        parameters=[PageQuery],
        responses={200: ZonePage},
        examples=[_page_example(_ZONE)],
    )
    def get(self, request: Request) -> Response:
        page = page_of(PageQuery.read(request.GET))
        return list_response(request, selectors.list_zones(), page=page, order=("name", "pk"), show=zone_document)

    @extend_schema(
        operation_id="create_shipping_zone",
        summary="Open a shipping zone (staff)",
        description=(
            "What goes to a region is sent by the zone of that region, else by that of its country, else by the one "
            "without places: the rest of the world. Needs `pricing.add_shippingzone`."
        ),
        request=ZoneInput,
        responses={201: ZoneOutput},
        examples=[OpenApiExample("Two countries", value=_ZONE_INPUT, request_only=True), _EXAMPLE_ZONE],
    )
    def post(self, request: Request) -> Response:
        body = ZoneInput(data=request.data)
        body.is_valid(raise_exception=True)
        zone = services.create_zone(data=services.ZoneData(**body.validated_data))
        return Response(zone_document(zone), status=201, headers={"Location": f"{request.path}/{zone.pk}"})


class ZoneDetail(ApiView):
    """``shipping-zones/{id}``."""

    versioned = True
    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": ("pricing.view_shippingzone",),
        "PATCH": ("pricing.change_shippingzone",),
        "DELETE": ("pricing.delete_shippingzone",),
    }

    @extend_schema(
        operation_id="get_shipping_zone",
        summary="One shipping zone (staff)",
        parameters=[IF_NONE_MATCH],
        responses={200: ZoneOutput, 304: NOT_MODIFIED},
        examples=[_EXAMPLE_ZONE],
    )
    def get(self, request: Request, zone_id: UUID) -> HttpResponse:
        return tagged_response(request, _zone(zone_id))

    @extend_schema(
        operation_id="update_shipping_zone",
        summary="Change a shipping zone (staff)",
        description="Needs `pricing.change_shippingzone`; honours `If-Match`.",
        request=ZoneChanges,
        responses={200: ZoneOutput},
        examples=[OpenApiExample("Fewer", value={"countries": ["GB"]}, request_only=True), _EXAMPLE_ZONE],
    )
    def patch(self, request: Request, zone_id: UUID) -> Response:
        body = ZoneChanges(data=request.data)
        body.is_valid(raise_exception=True)
        check_version(request, etag_of(_zone(zone_id)))
        return Response(zone_document(services.update_zone(zone_id=zone_id, changes=body.validated_data)))

    @extend_schema(
        operation_id="delete_shipping_zone",
        summary="Delete a shipping zone with its methods (staff)",
        description="Orders keep what they cost. Needs `pricing.delete_shippingzone`; honours `If-Match`.",
        responses={204: None},
    )
    def delete(self, request: Request, zone_id: UUID) -> Response:
        check_version(request, etag_of(_zone(zone_id)))
        services.delete_zone(zone_id=zone_id)
        return Response(status=204)


class MethodCollection(ApiView):
    """``shipping-methods``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": ("pricing.view_shippingmethod",),
        "POST": ("pricing.add_shippingmethod",),
    }

    @extend_schema(
        operation_id="list_shipping_methods",
        summary="How the shop sends (staff)",
        description="By position. Needs `pricing.view_shippingmethod`.",
        parameters=[MethodQuery],
        responses={200: MethodPage},
        examples=[_page_example(_METHOD)],
    )
    def get(self, request: Request) -> Response:
        filters = MethodQuery.read(request.GET)
        page = page_of(filters)
        rows = selectors.list_methods(**filters)
        return list_response(request, rows, page=page, order=("position", "pk"), show=method_document)

    @extend_schema(
        operation_id="create_shipping_method",
        summary="Offer a shipping method (staff)",
        description=(
            "`flat` and `collect` have one price in each currency; `weight` and `price` have steps, of which the "
            "highest that is reached holds, and without one that is reached the method is not offered. "
            "Needs `pricing.add_shippingmethod`."
        ),
        request=MethodInput,
        responses={201: MethodOutput},
        examples=[OpenApiExample("By weight", value=_METHOD_INPUT, request_only=True), _EXAMPLE_METHOD],
    )
    def post(self, request: Request) -> Response:
        body = MethodInput(data=request.data)
        body.is_valid(raise_exception=True)
        method = services.create_method(data=services.MethodData(**body.validated_data))
        return Response(_method(method.pk), status=201, headers={"Location": f"{request.path}/{method.pk}"})


class MethodDetail(ApiView):
    """``shipping-methods/{id}``."""

    versioned = True
    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": ("pricing.view_shippingmethod",),
        "PATCH": ("pricing.change_shippingmethod",),
        "DELETE": ("pricing.delete_shippingmethod",),
    }

    @extend_schema(
        operation_id="get_shipping_method",
        summary="One shipping method (staff)",
        parameters=[IF_NONE_MATCH],
        responses={200: MethodOutput, 304: NOT_MODIFIED},
        examples=[_EXAMPLE_METHOD],
    )
    def get(self, request: Request, method_id: UUID) -> HttpResponse:
        return tagged_response(request, _method(method_id))

    @extend_schema(
        operation_id="update_shipping_method",
        summary="Change a shipping method (staff)",
        description="Needs `pricing.change_shippingmethod`; honours `If-Match`.",
        request=MethodChanges,
        responses={200: MethodOutput},
        examples=[
            OpenApiExample(
                "Free from 40.00 on", value={"free_from": [{"amount": "40.00", "currency": "GBP"}]}, request_only=True
            ),
            _EXAMPLE_METHOD,
        ],
    )
    def patch(self, request: Request, method_id: UUID) -> Response:
        body = MethodChanges(data=request.data)
        body.is_valid(raise_exception=True)
        check_version(request, etag_of(_method(method_id)))
        services.update_method(method_id=method_id, changes=body.validated_data)
        return Response(_method(method_id))

    @extend_schema(
        operation_id="delete_shipping_method",
        summary="Delete a shipping method (staff)",
        description="Orders keep what it cost. Needs `pricing.delete_shippingmethod`; honours `If-Match`.",
        responses={204: None},
    )
    def delete(self, request: Request, method_id: UUID) -> Response:
        check_version(request, etag_of(_method(method_id)))
        services.delete_method(method_id=method_id)
        return Response(status=204)


def _zone(zone_id: UUID) -> dict[str, Any]:
    return zone_document(selectors.get_zone(zone_id=zone_id))


def _method(method_id: UUID) -> dict[str, Any]:
    return method_document(selectors.get_method(method_id=method_id))
