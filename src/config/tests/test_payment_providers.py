from __future__ import annotations

import os
import runpy
import subprocess
import sys

import pytest

from config.settings.env import SRC

KEYS = {
    "stripe": {"STRIPE_SECRET_KEY": "sk_test_1"},
    "paypal": {"PAYPAL_CLIENT_ID": "id", "PAYPAL_CLIENT_SECRET": "secret"},
    "flutterwave": {"FLUTTERWAVE_SECRET_KEY": "FLWSECK_TEST-1"},
}


class TestPaymentProviders:
    @pytest.mark.parametrize("name", KEYS)
    def test_are_there_where_the_environment_has_their_keys(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        for key in {key for keys in KEYS.values() for key in keys}:
            monkeypatch.delenv(key, raising=False)
        without = runpy.run_path(str(SRC / "config" / "settings" / "base.py"))["PAYMENT_PROVIDERS"]
        for key, value in KEYS[name].items():
            monkeypatch.setenv(key, value)

        told = runpy.run_path(str(SRC / "config" / "settings" / "base.py"))["PAYMENT_PROVIDERS"]

        assert set(without) == {"manual"}
        assert set(told) == {"manual", name}

    def test_are_not_loaded_before_somebody_pays(self) -> None:
        environment = KEYS["stripe"] | {"DJANGO_SETTINGS_MODULE": "config.settings.test", "PYTHONPATH": str(SRC)}

        told = subprocess.run(
            [sys.executable, "-c", "import config.wsgi, sys; print('stripe' in sys.modules)"],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=True,
        )

        assert told.stdout.strip() == "False"
