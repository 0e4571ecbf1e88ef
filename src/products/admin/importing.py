"""A file of products into the catalogue: read and shown first, imported once that is confirmed."""

from __future__ import annotations

import csv
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from core import money
from core.admin.base import in_words
from core.errors import DomainError, TooLarge, Unavailable
from products.admin.forms import ImportForm
from products.errors import FileUnreadable
from products.services.importing import ImportWish, Outcome, check_file, import_file

if TYPE_CHECKING:
    from core.admin import ServiceAdmin

_KEPT_SECONDS = 3600
_SHOWN = 200
_PAGE = "products/admin/import.html"


def import_page(pages: ServiceAdmin, request: HttpRequest) -> HttpResponse:
    """Take a file, show what it holds; on confirmation import it, and show what was refused."""
    context: dict[str, Any] = {
        **pages.admin_site.each_context(request),
        "title": "Import products",
        "opts": pages.opts,
        "back": pages.list_url(),
        "form": ImportForm(),
    }
    try:
        if request.method == "POST" and "token" in request.POST:
            context |= _import(request, request.POST["token"])
        elif request.method == "POST":
            context |= _preview(request)
    except DomainError as refusal:
        pages.message_user(request, in_words(refusal), messages.ERROR)
    return TemplateResponse(request, _PAGE, context)


def _preview(request: HttpRequest) -> dict[str, Any]:
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return {"form": form}
    file = form.cleaned_data["file"]
    if file.size > settings.UPLOAD_MAX_BYTES:
        raise TooLarge(max_bytes=settings.UPLOAD_MAX_BYTES)
    name, content = Path(file.name).name[-100:], file.read()
    with _as_file(name, content) as path:
        preview = check_file(path=path, most_bytes=settings.IMPORT_MAX_UNPACKED_BYTES)
    token = uuid4().hex
    # Any web process may get the confirmation; the cache is what they share.
    with _needing_cache():
        cache.set(_key(request, token), [name, b64encode(content).decode()], _KEPT_SECONDS)
    rows = [
        {
            "line": row.line,
            "sku": row.sku,
            "name": row.name,
            "category": " > ".join(row.category),
            "price": "" if row.price_minor is None else money.to_text(row.price_minor, preview.currency),
            "stock": "" if row.stock is None else row.stock,
        }
        for row in preview.sample
    ]
    return {"preview": preview, "rows": rows, "token": token, "file_name": name}


def _import(request: HttpRequest, token: str) -> dict[str, Any]:
    with _needing_cache():
        kept = cache.get(_key(request, token))
    if kept is None:
        raise FileUnreadable("The file is not kept any more; choose it again.")
    name, content = kept
    with _as_file(name, b64decode(content)) as path:
        report = path.with_name("report.csv")
        outcome: Outcome = import_file(wish=ImportWish(path=path, report=report, again=True), at=timezone.now())
        refused = _refused(report)
    with suppress(Unavailable), _needing_cache():
        cache.delete(_key(request, token))
    return {"outcome": outcome, "refused": refused[:_SHOWN], "more": max(0, len(refused) - _SHOWN)}


@contextmanager
def _needing_cache() -> Iterator[None]:
    """:raises Unavailable: the cache does not answer"""
    try:
        yield
    except Exception as error:
        raise Unavailable(retry_after=5) from error


def _refused(report: Path) -> list[dict[str, str]]:
    with report.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["outcome"] == "refused"]


def _key(request: HttpRequest, token: str) -> str:
    return f"admin-import:{request.user.pk}:{token[:64]}"


@contextmanager
def _as_file(name: str, content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nexus-import-") as folder:
        # The name's ending tells what it is; nothing else of a stranger's name is used.
        ending = "".join(Path(name).suffixes[-2:]).lower()
        path = Path(folder) / f"upload{ending if ending.replace('.', '').isalnum() else ''}"
        path.write_bytes(content)
        yield path
