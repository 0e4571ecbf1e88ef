"""``auth/second-factor``: setting up an authenticator app, and removing it. Nobody needs a token for it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.api import examples
from accounts.api.client import address_of
from accounts.api.serializers import CredentialsInput, EnrolmentOutput, RecoveryCodesOutput, SecondFactorInput
from accounts.api.views.sessions import NO_STORE
from core.api.serializers import Input
from core.api.views import ApiView

_ENROLMENT = {
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "uri": "otpauth://totp/Nexus:ada%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Nexus",
}
_WITH_CODE = examples.CREDENTIALS | {"code": "492039"}


class _Proven(ApiView):
    authentication_classes = []
    idempotent = False
    is_counted = True

    def said(self, request: Request, kind: type[Input]) -> dict[str, Any]:
        """Return what the body says, with where and when it was said."""
        body = kind(data=request.data)
        body.is_valid(raise_exception=True)
        return {**body.validated_data, "address": address_of(request), "at": timezone.now()}


class BeginView(_Proven):
    """Makes a secret for an app."""

    @extend_schema(
        operation_id="begin_second_factor",
        summary="Begin to set up an authenticator app",
        description="Nothing changes before its first code is confirmed.",
        request=CredentialsInput,
        responses={200: EnrolmentOutput},
        examples=[examples.asked(examples.CREDENTIALS), examples.told(_ENROLMENT)],
    )
    def post(self, request: Request) -> Response:
        enrolment = services.begin_second_factor(**self.said(request, CredentialsInput))
        return Response({"secret": enrolment.secret, "uri": enrolment.uri}, headers=NO_STORE)


class ConfirmView(_Proven):
    """Lets the app count."""

    @extend_schema(
        operation_id="confirm_second_factor",
        summary="Confirm the app by its first code; all sign-ins end",
        request=SecondFactorInput,
        responses={200: RecoveryCodesOutput},
        examples=[
            examples.asked(_WITH_CODE),
            examples.told({"recovery_codes": ["7K3M-Q2X9-ABCD-Z4K9-WXYZ-2345-HJ8N"]}),
        ],
    )
    def post(self, request: Request) -> Response:
        codes = services.confirm_second_factor(**self.said(request, SecondFactorInput))
        return Response({"recovery_codes": codes}, headers=NO_STORE)


class RemoveView(_Proven):
    """Does without the app."""

    @extend_schema(
        operation_id="remove_second_factor",
        summary="Remove the app, by its code or a recovery code; all sign-ins end",
        request=SecondFactorInput,
        responses={204: None},
        examples=[examples.asked(_WITH_CODE)],
    )
    def post(self, request: Request) -> Response:
        services.remove_second_factor(**self.said(request, SecondFactorInput))
        return Response(status=204)
