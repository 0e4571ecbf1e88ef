"""JSON in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.parsers import BaseParser

from core.errors import Malformed, TooLarge

_MAX_DEPTH = 32


class StrictJSONParser(BaseParser):
    """Reads one JSON object (RFC 8259): no NaN, no lone surrogates, at most 32 levels deep.

    :raises Malformed: not JSON, or not an object
    :raises TooLarge: more than ``DATA_UPLOAD_MAX_MEMORY_SIZE`` bytes
    """

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(max_bytes=limit)
        return read_object(body)


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that the bytes hold; no bytes are an empty object.

    :raises Malformed: not JSON, not an object, or nested too deeply
    """
    if not body.strip():
        return {}
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Malformed("The body must be a JSON object.")
    if _depth(value, 1) > _MAX_DEPTH:
        raise Malformed(f"The body is nested more than {_MAX_DEPTH} levels deep.")
    return value


def _depth(value: Any, level: int) -> int:
    if level > _MAX_DEPTH or not isinstance(value, (dict, list)):
        return level
    inner = value.values() if isinstance(value, dict) else value
    return max((_depth(item, level + 1) for item in inner), default=level)
