"""What stands at the addresses that belong to a storefront, as long as the shop has none: where to look instead."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from core.api.html import html_page


@require_safe
def welcome(request: HttpRequest, **_: object) -> HttpResponse:
    """Say what runs here, and which document of the API tells what the page of a storefront would show."""
    place = request.path_info.strip("/")
    context = {"document": f"/api/v1/{place}" if place else "", "has_mail": settings.DEV_PAGES}
    return html_page(request, "config/welcome.html", context)


urlpatterns = [
    path("", welcome),
    path("products", welcome),
    path("products/<slug:slug>", welcome),
    path("orders/<uuid:order_id>", welcome),
]
