from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import import_string

from core import logs, lookups  # noqa: F401 - registers the lookups


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        logs.configure(
            settings.LOG_LEVEL,
            watchers=[import_string(name) for name in settings.LOG_WATCHERS],
            senders=[import_string(name) for name in settings.LOG_SENDERS],
        )
