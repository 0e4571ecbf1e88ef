"""Tables out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.http import StreamingHttpResponse

from core.tables import csv_lines


def csv_response(*, name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """Answer a table as a CSV file of that name, line by line: memory does not grow with it."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(csv_lines(heads, rows), content_type="text/csv; charset=utf-8", headers=headers)
