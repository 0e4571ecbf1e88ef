"""What staff had carried out, for those who may look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import selectors
from core.api.fields import TextField
from core.api.pages import PageQuery, list_response, page_of
from core.api.views import ApiView

if TYPE_CHECKING:
    from core.models import AuditEntry

_EXAMPLE = {
    "position": 120,
    "at": "2026-11-21T10:00:00Z",
    "actor": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4",
    "via": "api",
    "request_id": "0192f3c47bd97cc28b5de0a6f0a3b1f4",
    "path": "PUT /api/v1/users/0192f3c4-8a01-7e55-9c3b-1f2e3d4c5b6a/roles",
    "action": "accounts.services.roles.set_roles",
    "details": {"user_id": "0192f3c4-8a01-7e55-9c3b-1f2e3d4c5b6a", "roles": ["…"]},
    "hash": "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9",
}


class AuditQuery(PageQuery):
    """``actor``: one account's; ``action``: a part of the command's name."""

    actor = serializers.UUIDField(required=False)
    action = TextField(max_length=100, required=False)


class AuditEntryOutput(serializers.Serializer[Any]):
    """A row of the log. ``details`` has the command's arguments: ids, numbers and choices, never a text."""

    position = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.UUIDField()
    via = serializers.ChoiceField(choices=["admin", "api"])
    request_id = serializers.CharField(allow_blank=True)
    path = serializers.CharField()
    action = serializers.CharField()
    details = serializers.JSONField()
    hash = serializers.CharField()


class AuditPage(serializers.Serializer[Any]):
    """A page of the log."""

    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.CharField(allow_null=True)
    next_cursor = serializers.CharField(required=False)
    previous = serializers.CharField(allow_null=True)
    results = AuditEntryOutput(many=True)


def entry_document(row: AuditEntry) -> dict[str, Any]:
    """Show a row."""
    return {
        "position": row.position,
        "at": row.at,
        "actor": str(row.actor_id),
        "via": row.via,
        "request_id": row.request_id,
        "path": row.path,
        "action": row.action,
        "details": orjson.loads(row.details),
        "hash": row.hash,
    }


class AuditLog(ApiView):
    """``audit``."""

    permissions = {"GET": ("core.view_auditentry",)}

    @extend_schema(
        operation_id="list_audit_entries",
        summary="What staff had carried out, newest first (staff)",
        parameters=[AuditQuery],
        responses={200: AuditPage},
        examples=[
            OpenApiExample(
                "Roles were given",
                value={"count": 1, "next": None, "previous": None, "results": [_EXAMPLE]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        filters = AuditQuery.read(request.GET)
        page = page_of(filters)
        rows = selectors.list_audit_entries(**filters)
        return list_response(request, rows, page=page, order=("-position",), show=entry_document)
