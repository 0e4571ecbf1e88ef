"""The pictures of a product: staff's to add, order and remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.core.files.storage import default_storage
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from core.api.fields import IntegerField, TextField
from core.api.serializers import Input
from core.api.uploads import UploadView
from core.api.views import ApiView
from products import services
from products.domain import MAX_IMAGES
from products.errors import NotAnImage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rest_framework.request import Request

    from products.models import ProductImage

_ALT_LENGTH = 300


class ImagesInput(Input):
    """Pictures, and texts for those who do not see them, in the same order."""

    images = serializers.ListField(
        child=serializers.FileField(), min_length=1, max_length=MAX_IMAGES, help_text="JPEG, PNG or WebP, one or more."
    )
    alts = serializers.ListField(
        child=TextField(max_length=_ALT_LENGTH, allow_blank=True),
        required=False,
        max_length=MAX_IMAGES,
        help_text="What each picture shows, in the same order.",
    )


class ImageChanges(Input):
    """What is to change of a picture."""

    position = IntegerField(required=False, min_value=0, help_text="Its new place; 0 is the first.")
    alt = TextField(required=False, max_length=_ALT_LENGTH, allow_blank=True)


class ImageOutput(serializers.Serializer):  # type: ignore[type-arg]
    """A picture of a product."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    alt = serializers.CharField(allow_blank=True)
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    position = serializers.IntegerField()
    thumbnails = serializers.DictField(
        child=serializers.CharField(), help_text="Width in pixels -> address; filled some moments after the upload."
    )


class ImagesOutput(serializers.Serializer):  # type: ignore[type-arg]
    """The pictures that were added."""

    images = ImageOutput(many=True)


_SHOWN = {
    "id": "01993f60-2f0e-7d40-8f53-9a3f1c2b4d5e",
    "url": "/media/products/0d4c3f0a7a0b4f5f9f0f5d6c7b8a9e01.jpg",
    "alt": "The lamp on a desk",
    "width": 1600,
    "height": 1200,
    "position": 0,
    "thumbnails": {"160": "/media/products/0d4c3f0a7a0b4f5f9f0f5d6c7b8a9e01-160.webp"},
}


class ImageCollection(UploadView):
    """``products/{key}/images``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": ("products.add_productimage",)}
    upload_input = ImagesInput
    file_field = "images"
    folder = "products"
    refusal = NotAnImage

    @extend_schema(
        operation_id="add_product_images",
        summary="Add pictures to a product",
        description=(
            "All of them, or none. Each is encoded anew, upright and without metadata; thumbnails follow in the "
            f"background. At most {MAX_IMAGES} a product. Needs `products.add_productimage`."
        ),
        request={"multipart/form-data": ImagesInput},
        responses={201: ImagesOutput},
        examples=[
            OpenApiExample(
                "A picture with its text",
                value={"images": ["lamp.jpg"], "alts": ["The lamp on a desk"]},
                request_only=True,
                media_type="multipart/form-data",
            ),
            OpenApiExample("One picture", value={"images": [{**_SHOWN, "thumbnails": {}}]}, response_only=True),
        ],
    )
    def post(self, request: Request, key: str) -> Response:
        added = services.add_images(product=key, pictures=self.stored, at=timezone.now(), **self.fields)
        return Response({"images": [image_document(image) for image in added]}, status=201)


class ImageDetail(ApiView):
    """``products/{key}/images/{image_id}``."""

    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "PATCH": ("products.change_productimage",),
        "DELETE": ("products.delete_productimage",),
    }

    @extend_schema(
        operation_id="update_product_image",
        summary="Change a picture's place or text",
        description="The others move up or down. Needs `products.change_productimage`.",
        request=ImageChanges,
        responses={200: ImageOutput},
        examples=[
            OpenApiExample("Make it the first", value={"position": 0}, request_only=True),
            OpenApiExample("The picture", value=_SHOWN, response_only=True),
        ],
    )
    def patch(self, request: Request, key: str, image_id: UUID) -> Response:
        body = ImageChanges(data=request.data)
        body.is_valid(raise_exception=True)
        image = services.update_image(product=key, image_id=image_id, at=timezone.now(), **body.validated_data)
        return Response(image_document(image))

    @extend_schema(
        operation_id="remove_product_image",
        summary="Take a picture from a product",
        description="Its files go with it. Needs `products.delete_productimage`.",
        responses={204: None},
    )
    def delete(self, request: Request, key: str, image_id: UUID) -> Response:
        services.remove_image(product=key, image_id=image_id)
        return Response(status=204)


def image_document(image: ProductImage) -> dict[str, Any]:
    """Return the picture as it is sent."""
    return {
        "id": str(image.pk),
        "url": image.file.url if image.file else image.source_url,
        "alt": image.alt,
        "width": image.width,
        "height": image.height,
        "position": image.position,
        "thumbnails": {width: default_storage.url(name) for width, name in image.thumbnails.items()},
    }
