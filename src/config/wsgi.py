"""The WSGI entry point that Granian and Gunicorn load."""

from __future__ import annotations

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

from config.cross_origin import CrossOrigin
from config.edge import with_readable_headers
from config.files import with_static_files

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

# A request makes thousands of objects, and frees nearly all of them when it ends. Python looks for circles among the
# rest when there are so many of them: once in many requests, and not several times in each.
gc.set_threshold(20_000)

long_way = with_readable_headers(with_static_files(get_wsgi_application()))
# The short one knows the apps, which are ready only now.
application = import_string("config.express.Express")(long_way)
for wrapper in settings.WSGI_WRAPPERS:
    application = import_string(wrapper)(application)
if settings.CORS_ALLOWED_ORIGINS:
    application = CrossOrigin(application, settings.CORS_ALLOWED_ORIGINS)
