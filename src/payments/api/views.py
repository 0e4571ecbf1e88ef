"""What providers tell us, over HTTP."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import ApiView
from payments import services

_EXAMPLE = {
    "id": "evt_01937f5e7c3a7b609a570d6a4bd3c010",
    "type": "charge.captured",
    "created": 1795262400,
    "data": {"charge": {"id": "ch_01937f5e7c3a7b609a570d6a4bd3c011", "status": "captured"}},
}


class Webhooks(ApiView):
    """Signed messages of a provider."""

    # Who signs is known by the signature; what is kept is kept once by the event's own id.
    authentication_classes = []
    idempotent = False

    @extend_schema(
        operation_id="webhooks_receive",
        summary="Take a provider's webhook",
        description="Signed by the provider, on the raw bytes. Kept once, and taken in by a worker.",
        request=OpenApiTypes.OBJECT,
        responses={204: None},
        examples=[OpenApiExample("Captured", value=_EXAMPLE, request_only=True)],
    )
    def post(self, request: Request, provider: str) -> Response:
        body = request._request.body  # noqa: SLF001 - the signature is of the raw bytes
        services.receive_notice(provider=provider, body=body, headers=request.headers, at=timezone.now())
        return Response(status=204)
