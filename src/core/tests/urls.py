"""Endpoints of the tests, on top of core's own."""

from __future__ import annotations

import threading
from typing import Any, ClassVar
from uuid import NAMESPACE_OID, uuid5

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from core import outbox
from core.api import fields
from core.api.pages import PageQuery, list_response, page_of
from core.api.serializers import Input
from core.api.views import ApiView, check_version, request_key_of
from core.errors import Conflict, NotFound, TooManyRequests
from core.idempotency import StillRunning
from core.ids import new_id
from core.models import OutboxEvent
from core.tests.factories import NOON, Asker, ThingHappened
from core.transactions import command, in_transaction


class NotToday(Conflict):
    code = "tests.not_today"
    title = "Not today."


class Gate:
    """Lets a test hold a request in the middle of its work."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()


gate = Gate()


def id_of(name: str) -> str:
    """Return the id of who is signed in by that name."""
    return str(uuid5(NAMESPACE_OID, name))


class HeaderSignIn(BaseAuthentication):
    def authenticate(self, request: Any) -> Any:
        name = request.META.get("HTTP_X_TEST_USER")
        if name is None:
            return None
        held = request.META.get("HTTP_X_TEST_PERMISSIONS", "").split()
        return Asker(pk=id_of(name), is_staff=name == "staff", held=held), None

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"


class ThingInput(Input):
    name = fields.TextField(max_length=20)
    units = fields.IntegerField(min_value=1, max_value=1000)
    is_big = fields.BooleanField(required=False)
    price = fields.AmountField(required=False)
    total = fields.MoneyField(required=False)
    at = fields.TimeField(required=False)
    other = fields.IdField(required=False)
    text = fields.TextField(required=False, multiline=True, allow_blank=True)


@command
def make_thing(*, units: int, fails: str) -> None:
    outbox.publish(ThingHappened(thing_id=new_id(), units=units), at=NOON)
    if fails == "refused":
        raise NotToday(units=units)
    if fails == "broken":
        raise ZeroDivisionError("secret of the house")
    if fails == "at-commit":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO core_tests_deferred VALUES (1), (1)")
    if fails == "waits":
        gate.reached.set()
        assert gate.open.wait(10)
    if fails == "throttled":
        raise TooManyRequests(retry_after=7)
    if fails == "busy":
        raise StillRunning


class Things(ApiView):
    authentication_classes = [HeaderSignIn]

    def get(self, request: Request) -> Response:
        page = page_of(PageQuery.read(request.query_params))
        return list_response(
            request, OutboxEvent.objects.all(), page=page, order=("-occurred_at", "id"), show=lambda row: row.name
        )

    def post(self, request: Request) -> Response:
        body = ThingInput(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        make_thing(units=values["units"], fails=values["name"])
        return Response(
            {"made": str(new_id()), "units": values["units"]}, status=201, headers={"Location": "/things/1"}
        )


class Beats(ApiView):
    """A view of two commands, between which somebody else is asked."""

    in_beats = True

    def post(self, request: Request) -> Response:
        body = ThingInput(data=request.data)
        body.is_valid(raise_exception=True)
        make_thing(units=1, fails="")
        assert not in_transaction()
        make_thing(units=2, fails=body.validated_data["name"])
        return Response({"made": str(new_id()), "key": request_key_of(request)}, status=201)


class Swallower(ApiView):
    """A view that hides a refusal: a defect that the host must not commit."""

    def post(self, request: Request) -> Response:
        try:
            make_thing(units=1, fails="refused")
        except NotToday:
            return Response({"ok": True})
        return Response(status=204)


class Errors(ApiView):
    def get(self, request: Request, kind: str) -> Response:
        raise {
            "bug": ZeroDivisionError("secret of the house"),
            "down": OperationalError("connection to 10.0.0.1 refused"),
            "constraint": IntegrityError("duplicate key"),
            "data": DataError("NUL"),
            "uuid": ValidationError("is not a valid UUID"),
            "missing": OutboxEvent.DoesNotExist(),
        }[kind]


class Versioned(ApiView):
    def put(self, request: Request) -> Response:
        check_version(request, '"v2"')
        return Response(status=204)


class Guarded(ApiView):
    authentication_classes = [HeaderSignIn]
    permissions: ClassVar[Any] = {"GET": ("tests.view_thing",), "POST": ()}

    def get(self, request: Request) -> Response:
        return Response({"secret": 1})

    def post(self, request: Request) -> Response:
        return Response(status=204)


class SignedIn(ApiView):
    authentication_classes = [HeaderSignIn]
    signed_in = True

    def get(self, request: Request) -> Response:
        return Response({"id": request.user.pk})


def plain(request: HttpRequest, key: str) -> HttpResponse:
    if key == "missing":
        raise NotFound
    if key == "bug":
        raise ZeroDivisionError("secret of the house")
    return HttpResponse(request.path_info)


urlpatterns = [
    path("", include("core.urls")),
    path("api/v1/", include("core.api.urls")),
    path("api/v1/things", Things.as_view()),
    path("api/v1/beats", Beats.as_view()),
    path("api/v1/swallow", Swallower.as_view()),
    path("api/v1/errors/<str:kind>", Errors.as_view()),
    path("api/v1/versioned", Versioned.as_view()),
    path("api/v1/guarded", Guarded.as_view()),
    path("api/v1/me", SignedIn.as_view()),
    path("api/v1/auth/login", SignedIn.as_view()),
    path("api/v1/plain/<str:key>", plain),
    path("page/", plain, {"key": "page"}),
    path("leaf", plain, {"key": "leaf"}),
]
handler400 = "core.api.views.bad_request"
handler404 = "core.api.views.not_found"
handler500 = "core.api.views.server_error"
