"""Every address of the shop. Each answers with and without a trailing slash (``core.middleware.RequestScope``)."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from django.urls.resolvers import RoutePattern
from django.utils.module_loading import import_string

from config import files, openapi, problems

# The apps with an edge: the ``api/urls.py`` of each names what stands below ``/api/v1/``. Addresses are tried one after
# the other, so those that shoppers ask for come first, here and there.
_EDGES = (
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
# In one list: to give up on a list and try the next costs as much as twenty addresses do.
_api = [address for app in _EDGES for address in import_module(f"{app}.api.urls").urlpatterns]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("core.urls")),
    path("api/v1/", include(_api)),
    path("api/schema", openapi.schema),
    path("docs", openapi.swagger),
    path("docs/problems", problems.problem_list),
    path("docs/problems/<str:code>", problems.problem_detail),
    path("swagger", openapi.swagger),
    path("redoc", openapi.redoc),
    URLResolver(RoutePattern("admin/"), "config.back_office", app_name="admin", namespace="admin"),
    path("media/<path:path>", files.serve_media),
    path("", include("accounts.api.urls_pages")),
    path("", include("notifications.urls_pages")),
    path("", include("orders.api.urls_pages")),
    path("", include("config.welcome")),
    *([path("metrics", import_string("config.seeing.exposition.metrics"))] if settings.METRICS_TOKEN else []),
    *([path("sandbox/", include("sandbox.api.urls"))] if settings.SANDBOX else []),
    *([path("bench/", include("config.bench"))] if settings.BENCH else []),
]

handler400 = "core.api.views.bad_request"
handler404 = "core.api.views.not_found"
handler500 = "core.api.views.server_error"
