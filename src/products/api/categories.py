"""The category tree: public to read, staff's to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from core.api.etags import IF_NONE_MATCH, NOT_MODIFIED, etag_of, tagged_response
from core.api.pages import page_of
from core.api.uploads import UploadView
from core.api.views import ApiView, check_version
from core.pagination import page_body
from products import selectors, services
from products.api.category_serializers import (
    CategoryChanges,
    CategoryImageInput,
    CategoryInput,
    CategoryOutput,
    CategoryPage,
    CategoryQuery,
    category_document,
)
from products.errors import NotAnImage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpResponse
    from rest_framework.request import Request

_SHOWN = {
    "id": "01993f5e-7c11-7b3a-9c55-3d1f6a0f7e21",
    "name": "Table lamps",
    "slug": "table-lamps",
    "path": "lighting/table-lamps",
    "parent": "lighting",
    "children": [],
    "depth": 1,
    "position": 0,
    "image": "/media/categories/5b0e8f9a1c2d4e3f8a7b6c5d4e3f2a1b.jpg",
    "created_at": "2026-07-01T09:30:00Z",
    "updated_at": "2026-07-01T09:30:00Z",
}
_EXAMPLE = OpenApiExample("A category", value=_SHOWN, response_only=True)
_PAGE_EXAMPLE = OpenApiExample(
    "A page",
    value={"count": 1, "next": None, "previous": None, "results": [_SHOWN]},
    response_only=True,
)
_READABLE = {200: CategoryOutput, 304: NOT_MODIFIED}


class CategoryCollection(ApiView):
    """``categories``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": ("products.add_category",)}

    @extend_schema(
        operation_id="list_categories",
        summary="The category tree",
        description="Flat in the order of paths, or nested with `tree=true`. Everyone may read it.",
        parameters=[CategoryQuery, IF_NONE_MATCH],
        responses={200: CategoryPage, 304: NOT_MODIFIED},
        examples=[_PAGE_EXAMPLE],
    )
    def get(self, request: Request) -> HttpResponse:
        values = CategoryQuery.read(request.GET)
        page = page_of(values)
        found = selectors.page_of_categories(
            page=page, parent=values.get("parent"), levels=values.get("depth"), as_tree=values["tree"]
        )
        address = request.build_absolute_uri(request.path)
        body = page_body(found, wanted=page, address=address, query=request.GET.dict(), show=category_document)
        return tagged_response(request, body)

    @extend_schema(
        operation_id="create_category",
        summary="Add a category",
        description="Needs `products.add_category`.",
        request=CategoryInput,
        responses={201: CategoryOutput},
        examples=[
            OpenApiExample(
                "A category below another", value={"name": "Table lamps", "parent": "lighting"}, request_only=True
            ),
            _EXAMPLE,
        ],
    )
    def post(self, request: Request) -> Response:
        body = CategoryInput(data=request.data)
        body.is_valid(raise_exception=True)
        category = services.create_category(at=timezone.now(), **body.validated_data)
        return Response(_document(category.slug), status=201, headers={"Location": f"{request.path}/{category.slug}"})


class CategoryDetail(ApiView):
    """``categories/{slug}``."""

    versioned = True
    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "PATCH": ("products.change_category",),
        "DELETE": ("products.delete_category",),
    }

    @extend_schema(
        operation_id="get_category",
        summary="One category",
        parameters=[IF_NONE_MATCH],
        responses=_READABLE,
        examples=[_EXAMPLE],
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        return tagged_response(request, _document(slug))

    @extend_schema(
        operation_id="update_category",
        summary="Change or move a category",
        description=(
            "Another `parent` moves the whole branch. Paths below it and what products show of their category follow "
            "in the same transaction. Needs `products.change_category`; honours `If-Match`."
        ),
        request=CategoryChanges,
        responses={200: CategoryOutput},
        examples=[OpenApiExample("Move to the top", value={"parent": None}, request_only=True), _EXAMPLE],
    )
    def patch(self, request: Request, slug: str) -> Response:
        body = CategoryChanges(data=request.data)
        body.is_valid(raise_exception=True)
        check_version(request, etag_of(_document(slug)))
        category = services.update_category(slug=slug, changes=body.validated_data, at=timezone.now())
        return Response(_document(category.slug))

    @extend_schema(
        operation_id="delete_category",
        summary="Remove an empty category",
        description="409 while it has products (deleted ones too) or categories. Needs `products.delete_category`.",
        responses={204: None},
    )
    def delete(self, request: Request, slug: str) -> Response:
        check_version(request, etag_of(_document(slug)))
        services.delete_category(slug=slug)
        return Response(status=204)


class CategoryImage(UploadView):
    """``categories/{slug}/image``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "PUT": ("products.change_category",),
        "DELETE": ("products.change_category",),
    }
    upload_input = CategoryImageInput
    folder = "categories"
    refusal = NotAnImage

    @extend_schema(
        operation_id="set_category_image",
        summary="Give a category its picture",
        description="JPEG, PNG or WebP, encoded anew by us. Needs `products.change_category`.",
        request={"multipart/form-data": CategoryImageInput},
        responses={200: CategoryOutput},
        examples=[
            OpenApiExample(
                "A picture", value={"image": "kitchen.jpg"}, request_only=True, media_type="multipart/form-data"
            ),
            _EXAMPLE,
        ],
    )
    def put(self, request: Request, slug: str) -> Response:
        services.set_category_image(slug=slug, image=self.stored[0], at=timezone.now())
        return Response(_document(slug))

    @extend_schema(
        operation_id="remove_category_image",
        summary="Take a category's picture away",
        responses={204: None},
    )
    def delete(self, request: Request, slug: str) -> Response:
        services.set_category_image(slug=slug, image=None, at=timezone.now())
        return Response(status=204)


def _document(slug: str) -> dict[str, Any]:
    return category_document(selectors.get_category(slug=slug))
