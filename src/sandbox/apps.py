from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class SandboxConfig(AppConfig):
    """Stops the boot wherever play money is not asked for."""

    name = "sandbox"

    def ready(self) -> None:
        if not settings.SANDBOX:
            raise ImproperlyConfigured("sandbox takes play money: it runs with SANDBOX settings, never in production")
