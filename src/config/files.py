"""Files over HTTP for a shop without a web server in front: the static files of the pages, and uploaded media."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import SuspiciousFileOperation
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.static import serve
from whitenoise import WhiteNoise

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# What a browser may show from another person's upload; everything else is downloaded.
SHOWN_TYPES = frozenset({"image/avif", "image/gif", "image/jpeg", "image/png", "image/webp"})


def with_static_files(application: Application) -> WhiteNoise:
    """Answer below ``STATIC_URL`` from memory of names: the collected folder if there is one, else the apps' own.

    So a laptop needs no ``collectstatic``. Costs a request for anything else one look into a dictionary.
    """
    files = WhiteNoise(application, max_age=3600, allow_all_origins=False, add_headers_function=_never_guessed)
    prefix = settings.STATIC_URL.lstrip("/")
    if Path(settings.STATIC_ROOT).is_dir():
        files.add_files(str(settings.STATIC_ROOT), prefix=prefix)
    else:
        places = [storage.location for finder in get_finders() for storage in getattr(finder, "storages", {}).values()]
        for place in reversed(places):  # of two files with one name the first wins, as in collectstatic
            files.add_files(place, prefix=prefix)
    return files


def _never_guessed(headers: Headers, *_: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"


def serve_media(request: HttpRequest, path: str) -> HttpResponseBase:
    """An uploaded file, never run: no script in it has an origin, no type is guessed from what it contains.

    :raises Http404: there is none of that name
    """
    try:
        response = serve(request, path, document_root=str(settings.MEDIA_ROOT))
    except (SuspiciousFileOperation, OSError, ValueError) as error:  # outside, too long, with a NUL in it
        raise Http404(path) from error
    if (mimetypes.guess_type(path)[0] or "") not in SHOWN_TYPES:
        response.headers["Content-Disposition"] = "attachment"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; base-uri 'none'; sandbox"
    # Storefronts at other origins show the pictures.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
