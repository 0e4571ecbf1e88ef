"""Pages for people, included at the root: paying by a link."""

from __future__ import annotations

from django.urls import re_path

from orders.api import pages

urlpatterns = [re_path(r"^pay/(?P<token>[A-Za-z0-9_-]{1,200})/?$", pages.pay)]
