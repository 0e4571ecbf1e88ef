"""Pictures straight into the storage: a signed request is asked for here, and sent there."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import uploads
from core.api.fields import IntegerField
from core.api.serializers import Input
from core.api.views import ApiView


class UploadInput(Input):
    """What is to be put there."""

    content_type = serializers.ChoiceField(choices=list(uploads.TYPES))
    size = IntegerField(min_value=1, help_text="Bytes. The storage takes no more.")


class UploadOutput(serializers.Serializer):  # type: ignore[type-arg]
    """How to put it there, and what names it afterwards."""

    upload = serializers.CharField(help_text="Sent to the endpoint of the thing that it is a picture of.")
    method = serializers.ChoiceField(choices=["POST", "PUT"])
    url = serializers.CharField()
    fields_ = serializers.DictField(
        child=serializers.CharField(), help_text="With POST: the form, before the file, which comes last as `file`."
    )
    headers = serializers.DictField(child=serializers.CharField())
    expires_at = serializers.DateTimeField()

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        """Call ``fields_`` by its name, which the library has for itself."""
        named = super().get_fields()
        return {name.rstrip("_"): each for name, each in named.items()}


_EXAMPLE = {
    "upload": "WyJ1cGxvYWRzLzBkNGMzZjBhN2EwYjRmNWY5ZjBmNWQ2YzdiOGE5ZTAxLmpwZyIsInVzZXIuMSJd:1w9:x",
    "method": "PUT",
    "url": "https://api.shop.example/api/v1/uploads/files/WyJ1cGxvYWRzLzBk:1w9:y",
    "fields": {},
    "headers": {"Content-Type": "image/jpeg"},
    "expires_at": "2026-11-21T10:30:00Z",
}


class UploadCollection(ApiView):
    """Uploads that are asked for."""

    signed_in = True
    # What is signed is good for a while only.
    idempotent = False

    @extend_schema(
        operation_id="ask_upload",
        summary="Ask to put a picture into the storage",
        description="Send the file as the answer says; then name `upload` where the picture belongs, such as in "
        '`{"uploads": ["…"]}` to `products/{key}/images`. There it is checked and encoded as any other. What nobody '
        "names is removed after a day.",
        request=UploadInput,
        responses={201: UploadOutput},
        examples=[
            OpenApiExample("A photo", value={"content_type": "image/jpeg", "size": 2_400_000}, request_only=True),
            OpenApiExample("To a folder of the shop", value=_EXAMPLE, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        body = UploadInput(data=request.data)
        body.is_valid(raise_exception=True)
        asked = uploads.ask_upload(owner=str(request.user.pk), **body.validated_data)
        return Response(
            {
                "upload": asked.ticket,
                "method": asked.request.method,
                "url": asked.request.url,
                "fields": dict(asked.request.fields),
                "headers": dict(asked.request.headers),
                "expires_at": timezone.now() + settings.UPLOAD_TTL,
            },
            status=201,
        )


class UploadFile(ApiView):
    """A file for the storage of a folder. Who may put it there is known by the ticket."""

    authentication_classes = []
    parser_classes = []
    idempotent = False

    @extend_schema(
        operation_id="put_upload",
        summary="Put a picture into the shop's own storage",
        description="The address, with its ticket, comes from `POST uploads`. Once.",
        request=dict.fromkeys(uploads.TYPES, OpenApiTypes.BINARY),
        responses={204: None},
    )
    def put(self, request: Request, ticket: str) -> Response:
        sent = request._request  # noqa: SLF001 - a body that no parser is to read
        text = sent.META.get("CONTENT_LENGTH") or ""
        uploads.put_locally(
            ticket=ticket,
            content_type=sent.content_type or "",
            stream=sent,  # type: ignore[arg-type]
            length=int(text) if text.isdecimal() else None,
        )
        return Response(status=204)
