"""Large documents out: written as they are read, so that memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
from django.http import StreamingHttpResponse

_PIECE = 1 << 16
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def json_response(*, name: str, document: Iterable[tuple[str, Any]]) -> StreamingHttpResponse:
    """Answer a JSON object as a file of that name.

    :param document: names and values; a value, or what a value holds by name, may be an iterator: a list
    """
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(json_pieces(document), content_type="application/json", headers=headers)


def json_pieces(document: Iterable[tuple[str, Any]]) -> Iterator[bytes]:
    """Return the text of a JSON object in pieces of about 64 KiB."""
    waiting = bytearray()
    for written in _object(document):
        waiting += written
        if len(waiting) >= _PIECE:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


def _object(members: Iterable[tuple[str, Any]]) -> Iterator[bytes]:
    before = b"{"
    for name, value in members:
        yield before + orjson.dumps(name) + b":"
        yield from _value(value)
        before = b","
    yield b"{}" if before == b"{" else b"}"


def _list(items: Iterator[Any]) -> Iterator[bytes]:
    before = b"["
    for item in items:
        yield before + _plain(item)
        before = b","
    yield b"[]" if before == b"[" else b"]"


def _value(value: Any) -> Iterator[bytes]:
    if isinstance(value, Iterator):
        yield from _list(value)
    elif isinstance(value, Mapping) and any(isinstance(held, Iterator) for held in value.values()):
        yield from _object(value.items())
    else:
        yield _plain(value)


def _plain(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=_OPTIONS)
