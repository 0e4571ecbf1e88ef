"""The addresses of the back office, with all its pages.

``config.urls`` names this module and does not import it: the first visit of a back office loads it. Most processes
never see one, and its pages are a fifth of what a web process loads, and of the time that it takes to start.
"""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from config.status import status_page

admin.autodiscover()

_of_tables, app_name, _ = admin.site.urls
# Nothing here has a page elsewhere. Whether an address is this one takes time by the square of its length.
_SLOW = "view_on_site"
urlpatterns = [
    path("status/", admin.site.admin_view(status_page), name="status"),
    *(each for each in _of_tables if getattr(each, "name", None) != _SLOW),
]
