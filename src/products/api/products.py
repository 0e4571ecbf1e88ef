"""Products: public to read, staff's to write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.response import Response

from accounts.api.viewer import viewer_of
from core.api.etags import IF_NONE_MATCH, NOT_MODIFIED
from core.api.pages import page_of
from core.api.views import ApiView
from core.pagination import MAX_PAGE, MAX_SIZE, page_body
from products import selectors, services
from products.api import examples
from products.api.reading import answer_detail, answer_list
from products.api.serializers import (
    PricesInput,
    PricesOutput,
    ProductChanges,
    ProductDetailOutput,
    ProductInput,
    ProductPage,
    RestoreInput,
    StaffProductOutput,
    StaffProductPage,
    StaffProductQuery,
    VariantChanges,
    VariantInput,
    price_lines,
    product_data,
)
from products.domain import StaffProduct, VariantData, is_uuid

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from rest_framework.request import Request

    from core.api.serializers import Input

_CHANGE = ("products.change_product",)

_MARKET = [
    OpenApiParameter("market", {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,20}$"}, description="A market's code."),
    OpenApiParameter("X-Market", {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,20}$"}, OpenApiParameter.HEADER),
    IF_NONE_MATCH,
]
_TEXT = {"type": "string", "minLength": 1, "maxLength": 200}
_AMOUNT = {"type": "string", "pattern": r"^[0-9]{1,13}(\.[0-9]{1,4})?$"}
_FILTERS: dict[str, tuple[Any, str]] = {
    "page": ({"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 1}, ""),
    "size": ({"type": "integer", "minimum": 1, "maximum": MAX_SIZE, "default": 20}, ""),
    "cursor": ({"type": "string"}, "`next_cursor` of the page before; empty to begin a walk."),
    "sort": ({"type": "string", "enum": list(selectors.SORTS)}, "Default: newest; of a search: relevance."),
    "category": ({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,150}$"}, "A slug; what is below it is included."),
    "tag": (_TEXT, ""),
    "min_price": (_AMOUNT, "In the market's currency."),
    "max_price": (_AMOUNT, "In the market's currency."),
    "in_stock": ({"type": "boolean"}, ""),
    "rating": ({"type": "string", "pattern": r"^[0-5](\.[0-9]{1,2})?$"}, "At least."),
    "search": (_TEXT, "In names, SKUs, tags, brands and descriptions."),
}
_IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description="The `ETag` of the copy that the change is based on.",
)
_MOVED = OpenApiResponse(description="The product has another slug now; see Location.")


class PublicView(ApiView):
    """Public reads go past DRF; everything else through it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return self.read(request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    def read(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise NotImplementedError


class ProductCollection(PublicView):
    """``products``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": ("products.add_product",)}

    def read(self, request: HttpRequest) -> HttpResponse:
        return answer_list(request)

    @extend_schema(
        operation_id="list_products",
        summary="Products that a market sells",
        parameters=[
            *(OpenApiParameter(name, kind, description=text) for name, (kind, text) in _FILTERS.items()),
            *_MARKET,
        ],
        responses={200: ProductPage, 304: NOT_MODIFIED},
        examples=[examples.PAGE],
    )
    def get(self, request: Request) -> HttpResponse:
        return answer_list(request._request)  # noqa: SLF001 - DRF has no other door

    @extend_schema(
        operation_id="create_product",
        summary="Add a product",
        request=ProductInput,
        responses={201: StaffProductOutput},
        examples=[examples.SIMPLE, examples.WITH_VARIANTS, examples.STAFF_DETAIL],
    )
    def post(self, request: Request) -> Response:
        data = product_data(_valid(ProductInput, request))
        product = services.create_product(data=data, actor_id=_actor(request), at=timezone.now())
        return _shown(product.pk, status=201)


class ProductDetail(PublicView):
    """``products/{id or slug}``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"PATCH": _CHANGE, "DELETE": ("products.delete_product",)}

    def read(self, request: HttpRequest, key: str) -> HttpResponse:
        return answer_detail(request, key)

    @extend_schema(
        operation_id="get_product",
        summary="A product with live stock",
        parameters=_MARKET,
        responses={200: ProductDetailOutput, 304: NOT_MODIFIED, 308: _MOVED},
        examples=[examples.DETAIL],
    )
    def get(self, request: Request, key: str) -> HttpResponse:
        return answer_detail(request._request, key)  # noqa: SLF001 - DRF has no other door

    @extend_schema(
        operation_id="update_product",
        summary="Change a product",
        description="A new slug leaves the old one behind as a redirect.",
        parameters=[_IF_MATCH],
        request=ProductChanges,
        responses={200: StaffProductOutput},
        examples=[examples.CHANGES, examples.STAFF_DETAIL],
    )
    def patch(self, request: Request, key: str) -> Response:
        product_id = _id(key)
        services.update_product(
            product_id=product_id,
            changes=_valid(ProductChanges, request, partial=True),
            versions=_versions(request),
            actor_id=_actor(request),
            at=timezone.now(),
        )
        return _shown(product_id)

    @extend_schema(
        operation_id="delete_product",
        summary="Delete a product",
        description="It can be restored. Its slug and SKUs are free again.",
        parameters=[_IF_MATCH],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, key: str) -> Response:
        services.delete_product(product_id=_id(key), versions=_versions(request), at=timezone.now())
        return Response(status=204)


class ProductRestore(ApiView):
    """``products/{id}/restore``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": ("products.delete_product",)}

    @extend_schema(
        operation_id="restore_product",
        summary="Bring a deleted product back",
        request=RestoreInput,
        responses={200: StaffProductOutput},
        examples=[examples.RESTORE, examples.STAFF_DETAIL],
    )
    def post(self, request: Request, key: str) -> Response:
        product_id = _id(key)
        services.restore_product(product_id=product_id, at=timezone.now(), **_valid(RestoreInput, request))
        return _shown(product_id)


class ProductPrices(ApiView):
    """``products/prices``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": ("products.change_price",)}

    @extend_schema(
        operation_id="set_prices",
        summary="Write many prices",
        description="All or none; a refusal names every bad line in `lines`.",
        request=PricesInput,
        responses={200: PricesOutput},
        examples=[examples.PRICES, examples.PRICES_DONE],
    )
    def post(self, request: Request) -> Response:
        lines = price_lines(_valid(PricesInput, request))
        return Response({"products_changed": services.set_prices(lines=lines, at=timezone.now())})


class VariantCollection(ApiView):
    """``products/{id}/variants``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": _CHANGE}

    @extend_schema(
        operation_id="add_variant",
        summary="Add a variant",
        request=VariantInput,
        responses={201: StaffProductOutput},
        examples=[examples.NEW_VARIANT, examples.STAFF_DETAIL],
    )
    def post(self, request: Request, key: str) -> Response:
        product_id = _id(key)
        data = VariantData(**_valid(VariantInput, request))
        services.add_variant(product_id=product_id, data=data, actor_id=_actor(request), at=timezone.now())
        return _shown(product_id, status=201)


class VariantDetail(ApiView):
    """``products/{id}/variants/{variant_id}``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"PATCH": _CHANGE, "DELETE": _CHANGE}

    @extend_schema(
        operation_id="update_variant",
        summary="Change a variant",
        request=VariantChanges,
        responses={200: StaffProductOutput},
        examples=[examples.VARIANT_CHANGES, examples.STAFF_DETAIL],
    )
    def patch(self, request: Request, key: str, variant_id: UUID) -> Response:
        product_id = _id(key)
        services.update_variant(
            product_id=product_id,
            variant_id=variant_id,
            changes=_valid(VariantChanges, request, partial=True),
            actor_id=_actor(request),
            at=timezone.now(),
        )
        return _shown(product_id)

    @extend_schema(operation_id="remove_variant", summary="Remove a variant", request=None, responses={204: None})
    def delete(self, request: Request, key: str, variant_id: UUID) -> Response:
        services.remove_variant(product_id=_id(key), variant_id=variant_id, at=timezone.now())
        return Response(status=204)


class StaffProductCollection(ApiView):
    """``staff/products``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": ("products.view_product",)}

    @extend_schema(
        operation_id="list_products_for_staff",
        summary="Products in every state",
        parameters=[StaffProductQuery],
        responses={200: StaffProductPage},
        examples=[examples.STAFF_PAGE],
    )
    def get(self, request: Request) -> Response:
        filters = StaffProductQuery.read(request.GET)
        page = page_of(filters)
        found = selectors.page_of_products_for_staff(page=page, filters=filters)
        address = request.build_absolute_uri(request.path)
        return Response(page_body(found, wanted=page, address=address, query=request.GET.dict(), show=_document))


class StaffProductDetail(ApiView):
    """``staff/products/{id}``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": ("products.view_product",)}

    @extend_schema(
        operation_id="get_product_for_staff",
        summary="A product in whatever state",
        responses={200: StaffProductOutput},
        examples=[examples.STAFF_DETAIL],
    )
    def get(self, request: Request, key: str) -> Response:
        return _shown(_id(key))


def _valid(kind: type[Input], request: Request, *, partial: bool = False) -> dict[str, Any]:
    body = kind(data=request.data, partial=partial)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _shown(product_id: UUID, *, status: int = 200) -> Response:
    product = selectors.get_product_for_staff(product_id=product_id)
    return Response(product.document, status=status, headers={"ETag": f'"{product.version}"'})


def _document(product: StaffProduct) -> Mapping[str, Any]:
    return product.document


def _id(key: str) -> UUID:
    return UUID(key) if is_uuid(key) else selectors.get_product_id(slug=key)


def _actor(request: Request) -> UUID | None:
    viewer = viewer_of(request)
    return viewer.pk if viewer else None


def _versions(request: Request) -> list[str] | None:
    """The versions that ``If-Match`` names; the live part of a public detail's tag does not count."""
    asked = request.META.get("HTTP_IF_MATCH")
    if asked is None or asked.strip() == "*":
        return None
    return [tag.strip().removeprefix("W/").strip('"').partition(".")[0] for tag in asked.split(",")]
