"""What answers searches beside PostgreSQL, where ``SEARCH_URL`` names it. Whoever asks it first loads its library."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.utils.module_loading import import_string

from products.engine.base import EngineAway, InTransaction, NoIndex, Refused, Taken

if TYPE_CHECKING:
    from products.engine.opensearch import OpenSearch

__all__ = ["EngineAway", "InTransaction", "NoIndex", "Refused", "Taken", "engine", "forget_engine", "is_on"]

_OPENSEARCH = "products.engine.opensearch.OpenSearch"


def is_on() -> bool:
    """Tell whether there is one."""
    return bool(settings.SEARCH_URL)


def engine() -> OpenSearch:
    """Return it, with its connections: one for each process."""
    return _made(settings.SEARCH_URL, settings.SEARCH_CA_FILE)


def forget_engine() -> None:
    """Know nothing of its failures. For tests, and for processes that are forked."""
    _made.cache_clear()


@cache
def _made(url: str, ca_file: str) -> OpenSearch:
    return cast("OpenSearch", import_string(_OPENSEARCH)(url, ca_file=ca_file))


os.register_at_fork(after_in_child=forget_engine)
