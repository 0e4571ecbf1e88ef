"""How things look in the cells of the back office. Whatever a customer wrote is escaped."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.files.storage import default_storage
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import money


def money_cell(minor: int | None, currency: str) -> str:
    """Return an amount as staff read it, or a hyphen."""
    return "-" if minor is None else f"{money.to_text(minor, currency)} {currency}"


def picture(name: str, *, alt: str = "", thumbnails: Mapping[str, str] | None = None) -> SafeString | str:
    """Return a small picture of a file in the media storage, or a hyphen for the empty name."""
    small = (thumbnails or {}).get("160") or name
    if not small:
        return "-"
    url = default_storage.url(small)
    return format_html('<img src="{}" alt="{}" width="48" height="48" class="nexus-picture" loading="lazy">', url, alt)


def status_label(colours: Mapping[str, str]) -> dict[str, str]:
    """Return what the theme takes to colour a label: value -> success, info, warning, danger."""
    return dict(colours)
