from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured


class TestSandboxConfig:
    def test_stops_the_boot_where_play_money_is_not_asked_for(self, settings: Any) -> None:
        settings.SANDBOX = False

        with pytest.raises(ImproperlyConfigured, match="production"):
            apps.get_app_config("sandbox").ready()

    def test_starts_where_it_is(self) -> None:
        apps.get_app_config("sandbox").ready()
