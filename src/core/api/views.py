"""The base of every endpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.acting import acting_as, actor_of
from core.api.problems import plain_problem
from core.errors import DomainError, Forbidden, Malformed, NotFound, PreconditionFailed, Unauthenticated
from core.idempotency import Answer, Asked, answer_in_beats, answer_once, check_key, request_key
from core.quotas import gathered, quota_headers

_SAFE = ("GET", "HEAD", "OPTIONS")
_GUEST_TOKENS = ("HTTP_X_CART_TOKEN", "HTTP_X_ORDER_TOKEN")
_PERSONAL = ("HTTP_AUTHORIZATION", *_GUEST_TOKENS)
_GUEST_TRAITS = ("REMOTE_ADDR", "HTTP_USER_AGENT", "HTTP_ACCEPT_LANGUAGE")
_KEPT_HEADERS = ("Content-Type", "Location", "ETag", "Retry-After", "Cache-Control")


class ApiView(APIView):
    """An endpoint: who may, then the handler; with ``Idempotency-Key`` on an unsafe method, the first answer once.

    ``permissions`` names per method what the asker must hold; ``signed_in`` that there must be an asker at all.
    """

    signed_in: ClassVar[bool] = False
    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    # Off where an answer must not be kept, such as one with fresh tokens.
    idempotent: ClassVar[bool] = True
    # Where others are asked between several commands: no transaction spans the request.
    in_beats: ClassVar[bool] = False
    # Where tries are counted: its answers tell how many are left.
    is_counted: ClassVar[bool] = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # HEAD is GET without the body, and needs what that needs.
        needed = self.permissions.get("GET" if request.method == "HEAD" else request.method or "")
        if request.user is None and (self.signed_in or needed is not None):
            raise Unauthenticated
        if needed is not None and not (request.user.is_staff and request.user.has_perms(needed)):
            raise Forbidden

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.is_counted:
            with gathered() as quotas:
                response = self._dispatch(request, *args, **kwargs)
            for name, value in quota_headers(quotas).items():
                response.headers[name] = value
        else:
            response = self._dispatch(request, *args, **kwargs)
        if any(name in request.META for name in _PERSONAL):
            # What someone is shown of their own stays on no disk.
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def _dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.args, self.kwargs = args, kwargs
        self.headers = self.default_response_headers
        asked = self.request = self.initialize_request(request, *args, **kwargs)
        try:
            self.initial(asked, *args, **kwargs)
            if asked.user is not None and asked.user.is_staff and request.method not in _SAFE:
                with acting_as(actor_of(request, asked.user.pk, via="api")):
                    return self._answer(asked)
            return self._answer(asked)
        except Exception as error:  # noqa: BLE001 - this is the one place that turns errors into answers
            return self._finished(asked, self.handle_exception(error))

    def _answer(self, request: Request) -> HttpResponse:
        key = request.META.get("HTTP_IDEMPOTENCY_KEY")
        if key is not None and self.idempotent and request.method not in _SAFE:
            return self._answer_once(request, key)
        return self._finished(request, self._handle(request))

    def _finished(self, request: Request, response: Response) -> HttpResponse:
        self.response = self.finalize_response(request, response, *self.args, **self.kwargs)
        return self.response

    def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        """Answer with nothing but ``Allow``."""
        return Response(status=204)

    def _handle(self, request: Request) -> Response:
        name = (request.method or "").lower()
        handler = getattr(self, name, None) if name in self.http_method_names else None
        response: Response = (handler or self.http_method_not_allowed)(request, *self.args, **self.kwargs)
        return response

    def _answer_once(self, request: Request, key: str) -> HttpResponse:
        def run() -> Answer:
            try:
                response = self._handle(request)
            except Exception as error:  # noqa: BLE001 - a refusal is an answer; a defect is raised by the handler
                response = self.handle_exception(error)
            response = self.finalize_response(request, response, *self.args, **self.kwargs)
            if isinstance(response, Response):
                response.render()
            kept = {name: response[name] for name in _KEPT_HEADERS if name in response}
            return Answer(response.status_code, kept, bytes(response.content))

        asked = _asked(request, key)
        answer = (answer_in_beats if self.in_beats else answer_once)(asked=asked, run=run)
        response = HttpResponse(answer.body, status=answer.status, headers=answer.headers)
        if answer.replayed:
            response["Idempotent-Replayed"] = "true"
        return response


def request_key_of(request: Request) -> str:
    """Return a digest by which a view in beats knows a repeated request; empty without an ``Idempotency-Key``."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    return "" if key is None else request_key(_asked(request, key))


def _asked(request: Request, key: str) -> Asked:
    return Asked(scope=_scope_of(request), key=check_key(key), fingerprint=_fingerprint(request))


def _scope_of(request: Request) -> str:
    """Whose key it is: two people may use the same one.

    Guests are known by the tokens that they show, or by nothing but their network address and program: what is theirs
    alone is then the key itself, which is why clients make it at random.
    """
    if request.user is not None:
        who = ["user", str(request.user.pk)]
    else:
        shown = [request.META.get(name, "") for name in _GUEST_TOKENS]
        who = ["guest", *(shown if any(shown) else [request.META.get(name, "") for name in _GUEST_TRAITS])]
    return hashlib.sha256("\n".join(who).encode("utf-8", "replace")).hexdigest()


def _fingerprint(request: Request) -> str:
    """What was asked: method, address and body. Of a form the parts count, since its boundary differs at each try."""
    digest = hashlib.sha256(f"{request.method} {request.path_info}?{request.META.get('QUERY_STRING', '')}\n".encode())
    if request.content_type and request.content_type.startswith("multipart/"):
        form: Any = request.data
        for name in sorted(form):
            for part in form.getlist(name):
                if hasattr(part, "seek"):
                    part.seek(0)  # the view may have read it already
                content = part.read() if hasattr(part, "read") else str(part).encode("utf-8", "surrogatepass")
                digest.update(f"{name!r} {len(content)}\n".encode() + content)
                if hasattr(part, "seek"):
                    part.seek(0)
    else:
        digest.update(request._request.body)  # noqa: SLF001 - DRF keeps it there
    return digest.hexdigest()


def check_version(request: Request, etag: str) -> None:
    """Honour ``If-Match`` on a write. A proxy that compresses has weakened the tag, which is as good here.

    :raises PreconditionFailed: the object is in another version
    """
    wanted = request.META.get("HTTP_IF_MATCH")
    if wanted is None or wanted.strip() == "*":
        return
    if etag not in [tag.strip().removeprefix("W/") for tag in wanted.split(",")]:
        raise PreconditionFailed


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Django's ``handler404``."""
    return plain_problem(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's ``handler500``."""
    return plain_problem(request, DomainError())


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Django's ``handler400``."""
    return plain_problem(request, Malformed())
