"""How high an index is and how much of it is above its leaves: what has to stay in memory for one read of the disk."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

# A page of 8,192 bytes without its heads (nbtree.h); an entry's head, and the pointer to it.
_PAGE, _USABLE, _HEAD, _POINTER = 8192, 8152, 8, 4
# What PostgreSQL leaves free where it builds an index; what grows at random places is two thirds full.
_FREE, _FREE_ABOVE = 0.1, 0.3
KEYS = {"an id (uuid)": 16, "by time: timestamp and id": 24, "by name: 40 letters and id": 64}


def levels(*, rows: int, key_bytes: int) -> list[int]:
    """Return the pages of each level, leaves first; above these, at most: PostgreSQL shortens keys there."""
    entry = math.ceil((_HEAD + key_bytes) / 8) * 8 + _POINTER
    pages = [max(1, math.ceil(rows / _fits(entry, _FREE)))]
    while pages[-1] > 1:
        pages.append(math.ceil(pages[-1] / _fits(entry, _FREE_ABOVE)))
    return pages


def _fits(entry: int, free: float) -> int:
    return math.floor((_USABLE - math.floor(_PAGE * free)) / entry)


def table(*, rows: Sequence[int]) -> Iterator[list[str]]:
    """Yield of each kind of key: pages that a lookup visits, megabytes, and those above the leaves."""
    yield ["index", *(f"{count:,}" for count in rows)]
    for name, key_bytes in KEYS.items():
        cells = []
        for count in rows:
            pages = levels(rows=count, key_bytes=key_bytes)
            cells.append(f"{len(pages)} pages, {sum(pages) / 122:,.0f} MB ({sum(pages[1:]) / 122:,.1f} above)")
        yield [name, *cells]
