"""Pages of a list at the edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import IntegerField, TextField
from core.api.serializers import Query
from core.pagination import DEFAULT_SIZE, MAX_PAGE, MAX_SIZE, PageRequest, page_body, paginate


class PageQuery(Query):
    """``page`` and ``size``, or ``cursor`` (empty to begin a walk). Lists add their filters by subclassing."""

    page = IntegerField(from_text=True, min_value=1, max_value=MAX_PAGE, default=1)
    size = IntegerField(from_text=True, min_value=1, max_value=MAX_SIZE, default=DEFAULT_SIZE)
    cursor = TextField(required=False, allow_blank=True, max_length=2500)


def page_of(values: dict[str, Any]) -> PageRequest:
    """Take the page out of validated query values; what remains are the filters."""
    return PageRequest(number=values.pop("page"), size=values.pop("size"), cursor=values.pop("cursor", None))


def list_response(
    request: Request,
    rows: QuerySet[Any],
    *,
    page: PageRequest,
    order: tuple[str, ...],
    show: Callable[[Any], Any],
) -> Response:
    """Answer one page of a queryset."""
    found = paginate(rows, page=page, order=order)
    address = request.build_absolute_uri(request.path)
    return Response(page_body(found, wanted=page, address=address, query=request.GET.dict(), show=show))
