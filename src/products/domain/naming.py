"""What slugs, SKUs and ids look like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime

SLUG_LENGTH = 120
SKU_LENGTH = 64

# Addresses below ``products/`` that are no products.
RESERVED_SLUGS = frozenset({"prices"})

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WORDS = re.compile(r"[a-z0-9]+")
_SLUG = re.compile(r"[A-Za-z0-9_-]{1,150}")
_SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/+#-]{0,63}")


def is_uuid(text: str) -> bool:
    """Tell whether the text is an id rather than a slug."""
    return len(text) == 36 and _UUID.fullmatch(text) is not None


def is_slug(text: str) -> bool:
    """Tell whether the text can be a slug at all."""
    return _SLUG.fullmatch(text) is not None and not is_uuid(text) and text not in RESERVED_SLUGS


def is_sku(text: str) -> bool:
    """Tell whether the text can be a SKU: letters, digits and ``. _ / + # -`` or blanks inside, at most 64."""
    return _SKU.fullmatch(text) is not None and text == text.strip()


def is_timestamp(text: str) -> bool:
    """Tell whether the text is a moment as PostgreSQL writes it (ISO 8601)."""
    try:
        return len(text) <= 35 and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def make_slug(name: str, *, fallback: str) -> str:
    """Return a slug for a name: ASCII letters and digits with hyphens, the nearest that NFKD gives.

    :param fallback: what to use where nothing of the name remains
    """
    plain = name if name.isascii() else unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = "-".join(_WORDS.findall(plain.lower()))[:SLUG_LENGTH].rstrip("-")
    if not is_slug(slug):
        return f"{slug or 'product'}-{fallback}"[:SLUG_LENGTH]
    return slug


def numbered_slug(slug: str, taken: Iterable[str]) -> str:
    """Return the slug itself or with the first free number behind it."""
    used = set(taken)
    if slug not in used:
        return slug
    number = 2
    while f"{slug}-{number}" in used:
        number += 1
    return f"{slug}-{number}"


def make_sku(slug: str) -> str:
    """Return the SKU that a product gets that was given none."""
    return slug.upper()[:SKU_LENGTH].rstrip("-")
