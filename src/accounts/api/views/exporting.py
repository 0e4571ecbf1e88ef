"""All that the shop holds of a person, as one file: to the person, and to staff whom the person asked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from accounts import services
from accounts.api import examples
from accounts.api.throttles import ExportThrottle
from accounts.api.viewer import customer_of
from core.api.streams import json_response
from core.api.views import ApiView
from core.personal import parts, personal_data

_FILE = "personal-data.json"


class PersonalDataOutput(serializers.Serializer[Any]):
    """What the shop holds of a person, by app (Regulation (EU) 2016/679, Art. 15 and 20).

    No secrets: what would let someone in (passwords, tokens, codes, the text of mails that hold them) is not shown.
    """

    person = serializers.UUIDField(help_text="The account's id.")
    exported_at = serializers.DateTimeField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {**super().get_fields(), **{part.name: part.output() for part in parts()}}


class OwnExportView(ApiView):
    """One's own data."""

    is_counted = True
    signed_in = True
    throttle_classes = [ExportThrottle]

    @extend_schema(
        operation_id="export_me",
        summary="All that the shop holds of you, as one file",
        description="Written while it is read: many orders make it long, not slow to begin. Ten times in an hour.",
        responses={200: PersonalDataOutput},
        examples=[examples.told(examples.PERSONAL_DATA)],
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        document = personal_data(user_id=customer_of(request).pk, at=timezone.now())
        return json_response(name=_FILE, document=document)


class UserExportView(ApiView):
    """The data of someone who asked the staff for it."""

    is_counted = True
    permissions = {"POST": ("accounts.export_person",)}
    throttle_classes = [ExportThrottle]
    # It is read anew, and nowhere kept.
    idempotent = False

    @extend_schema(
        operation_id="export_user",
        summary="All that the shop holds of a person who asked for it (staff)",
        description="As `GET /me/export`. It is noted in the audit log.",
        request=None,
        responses={200: PersonalDataOutput},
        examples=[examples.told(examples.PERSONAL_DATA)],
    )
    def post(self, request: Request, user_id: UUID) -> StreamingHttpResponse:
        document = services.export_account(user_id=user_id, actor=customer_of(request), at=timezone.now())
        return json_response(name=_FILE, document=document)
