"""How things look in the cells of the back office. Whatever a customer wrote is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from django.contrib import admin
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import money

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


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


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> SafeString | str:
    """Return a small table; a hyphen where there are no rows."""
    lines = [format_html_join("", '<td class="px-3 py-1">{}</td>', ((cell,) for cell in row)) for row in rows]
    if not lines:
        return "-"
    return format_html(
        '<table class="nexus-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>',
        format_html_join("", '<th scope="col" class="px-3 py-1 text-left">{}</th>', ((head,) for head in heads)),
        format_html_join("", "<tr>{}</tr>", ((line,) for line in lines)),
    )


def row_link(kind: str, key: str, *, words: str = "") -> SafeString | str:
    """Return a link to the page of the ``kind`` of row (``order``) that has this id, or the text as it is.

    :param words: what the link says; without it, the kind
    """
    if not _UUID.fullmatch(key):
        return key or "-"
    pages = (m for m in admin.site._registry if m._meta.model_name == kind)  # noqa: SLF001 - Django's own way to ask
    model = next(pages, None)
    if model is None:
        return key
    url = reverse(f"admin:{model._meta.app_label}_{kind}_change", args=[key])
    return format_html('<a href="{}" title="{}" class="text-primary-600">{}</a>', url, key, words or kind)


def as_words(value: str) -> str:
    """Return a stable value as staff read it: ``order_placed`` as ``Order placed``."""
    return value.replace("_", " ").capitalize()


def status_label(colours: Mapping[str, str]) -> dict[str, str]:
    """Return what the theme takes to colour a label: value -> success, info, warning, danger."""
    return dict(colours)
