"""The WSGI entry point that Granian and Gunicorn load."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from config.files import with_static_files

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

application = with_static_files(get_wsgi_application())
