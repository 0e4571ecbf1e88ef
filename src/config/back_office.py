"""The addresses of the back office, with all its pages.

``config.urls`` names this module and does not import it: the first visit of a back office loads it. Most processes
never see one, and its pages are a fifth of what a web process loads, and of the time that it takes to start.
"""

from __future__ import annotations

from django.contrib import admin

admin.autodiscover()

urlpatterns, app_name, _ = admin.site.urls
