"""What follows from facts that concern the whole shop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core import kept


def tell_caches(*, facts: Sequence[Mapping[str, Any]], **_: object) -> None:
    """Tell caches that public reads have changed. It calls them, once for many facts."""
    kept.tell_caches(facts=facts)


def tell_cache_again(*, facts: Sequence[Mapping[str, Any]], **_: object) -> None:
    """Tell caches that were away. It calls them."""
    kept.tell_again(facts=facts)
