"""Every address of the shop. Each answers with and without a trailing slash (``core.middleware.RequestScope``)."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config import files, openapi, problems

# Every app with an edge: its ``api/urls.py`` names what stands below ``/api/v1/``. Addresses are tried one after the
# other, so those that shoppers ask for come first, here and there.
_EDGES = [
    f"{name}.api.urls"
    for name in (
        "carts",
        "products",
        "orders",
        "core",
        "markets",
        "accounts",
        "inventory",
        "promotions",
        "pricing",
        "payments",
        "notifications",
    )
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("core.urls")),
    *(path("api/v1/", include(edge)) for edge in _EDGES),
    path("api/schema", openapi.schema),
    path("docs", openapi.swagger),
    path("docs/problems", problems.problem_list),
    path("docs/problems/<str:code>", problems.problem_detail),
    path("swagger", openapi.swagger),
    path("redoc", openapi.redoc),
    path("admin/", admin.site.urls),
    path("media/<path:path>", files.serve_media),
    path("", include("accounts.api.urls_pages")),
    path("", include("notifications.urls_pages")),
    path("", include("orders.api.urls_pages")),
    path("", include("config.welcome")),
    *([path("sandbox/", include("sandbox.api.urls"))] if settings.SANDBOX else []),
    *([path("bench/", include("config.bench"))] if settings.BENCH else []),
]

handler400 = "core.api.views.bad_request"
handler404 = "core.api.views.not_found"
handler500 = "core.api.views.server_error"
