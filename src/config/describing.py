"""The OpenAPI document, made and checked: for who commits it, and for tests. Serving it needs no validator."""

from __future__ import annotations

from typing import Any

from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema


class BadDocument(Exception):
    """The views do not describe themselves well enough."""


def generate() -> dict[str, Any]:
    """Return the document as the code describes it now. Takes about a second.

    :raises BadDocument: it is not valid OpenAPI, or could only be made with warnings
    """
    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    complaints = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]  # noqa: SLF001 - it has no other door
    if complaints:
        raise BadDocument("\n".join(complaints))
    try:
        validate_schema(document)
    except ValueError as error:
        raise BadDocument(str(error)) from error
    return document
