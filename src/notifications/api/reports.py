"""What mail providers report."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import ApiView
from notifications import services

_EXAMPLE = {
    "signature": {"timestamp": "1795428572", "token": "a8ce0edb2dd8301dee6c2405235584e4", "signature": "d2271d12…"},
    "event-data": {
        "event": "failed",
        "severity": "permanent",
        "recipient": "ada@example.com",
        "message": {"headers": {"message-id": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4@shop.example"}},
    },
}


class MailReports(ApiView):
    """Signed reports of a mail provider: bounces, complaints, and what changes nothing."""

    # Who signs is known by the signature; what is noted is noted once by the signed token.
    authentication_classes = []
    idempotent = False

    @extend_schema(
        operation_id="mail_reports_receive",
        summary="Take a mail provider's webhook",
        description="Signed by the provider. A bounce stops all mail to the address, a complaint what is not "
        "transactional. 200 and 406 tell Mailgun not to try again.",
        request=OpenApiTypes.OBJECT,
        responses={200: OpenApiTypes.OBJECT},
        examples=[
            OpenApiExample("Bounced", value=_EXAMPLE, request_only=True),
            OpenApiExample("Taken", value={"status": "ok"}, response_only=True),
        ],
    )
    def post(self, request: Request, provider: str) -> Response:
        body = request._request.body  # noqa: SLF001 - what was signed is checked by the provider's own rules
        services.receive_report(provider=provider, body=body, at=timezone.now())
        return Response({"status": "ok"})
