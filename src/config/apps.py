from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

from config.rights import warn_of_excess


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """Switch on what the environment wants to see; nothing else loads its libraries."""
        checks.register(warn_of_excess, checks.Tags.database, deploy=True)
        for name in settings.SEEING:
            import_string(name)()
