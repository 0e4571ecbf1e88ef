from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import import_string


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """Switch on what the environment wants to see; nothing else loads its libraries."""
        for name in settings.SEEING:
            import_string(name)()
