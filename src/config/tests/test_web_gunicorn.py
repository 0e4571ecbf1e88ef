from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.certifying import certify
from config.settings import processes
from config.web_gunicorn import DrainingArbiter, Gunicorn, tls_context
from core import draining


@pytest.fixture
def arbiter(monkeypatch: pytest.MonkeyPatch) -> DrainingArbiter:
    """Gunicorn's first process, which has begun nothing, with a clock that stands."""
    monkeypatch.setattr(draining, "_mark", bytearray(1))
    monkeypatch.setattr("config.web_gunicorn.time.monotonic", lambda: 100.0)
    return DrainingArbiter(Gunicorn())


class TestDrainingArbiter:
    def test_leaves_at_once_where_nobody_has_to_hear_of_it(self, arbiter: DrainingArbiter) -> None:
        with pytest.raises(StopIteration):
            arbiter.handle_term()

        assert not draining.is_draining()

    def test_says_so_first_and_leaves_when_its_time_is_over(
        self, arbiter: DrainingArbiter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processes, "SECONDS_TO_DRAIN", 10.0)
        arbiter.handle_term()

        assert draining.is_draining()
        assert arbiter.wait_for_signals(0.001) == []
        monkeypatch.setattr("config.web_gunicorn.time.monotonic", lambda: 110.0)
        with pytest.raises(StopIteration):
            arbiter.wait_for_signals()

    def test_leaves_at_once_when_it_is_told_twice(
        self, arbiter: DrainingArbiter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processes, "SECONDS_TO_DRAIN", 10.0)
        arbiter.handle_term()

        with pytest.raises(StopIteration):
            arbiter.handle_term()


class TestTlsContext:
    def test_takes_nothing_older_than_1_2_and_no_cipher_without_forward_secrecy(self, tmp_path: Path) -> None:
        certify(tmp_path, names=["web"], at=datetime.now(UTC))

        context = tls_context(str(tmp_path / "web" / "certificate.pem"), str(tmp_path / "web" / "key.pem"))

        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        older = {each["name"] for each in context.get_ciphers() if each["protocol"] != "TLSv1.3"}
        assert older
        assert {name for name in older if not re.match(r"ECDHE-(ECDSA|RSA)-(AES\d+-GCM|CHACHA20)", name)} == set()

    @pytest.mark.parametrize(("certificate", "said"), [("key.pem", "PEM"), ("nothing", "No such file")])
    def test_stops_the_start_without_a_certificate(self, tmp_path: Path, certificate: str, said: str) -> None:
        certify(tmp_path, names=["web"], at=datetime.now(UTC))

        with pytest.raises(ImproperlyConfigured, match=f"WEB_TLS_CERTIFICATE.*{said}"):
            tls_context(str(tmp_path / "web" / certificate), str(tmp_path / "web" / "key.pem"))


class TestGunicorn:
    def test_answers_by_tls_where_a_certificate_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert not Gunicorn().cfg.is_ssl

        certify(tmp_path, names=["web"], at=datetime.now(UTC))
        monkeypatch.setattr(processes, "WEB_TLS_CERTIFICATE", str(tmp_path / "web" / "certificate.pem"))
        monkeypatch.setattr(processes, "WEB_TLS_KEY", str(tmp_path / "web" / "key.pem"))

        assert Gunicorn().cfg.is_ssl

    def test_believes_our_own_proxies_alone(self, settings: SimpleNamespace) -> None:
        settings.TRUSTED_PROXIES = []
        assert Gunicorn().cfg.forwarded_allow_ips == []

        settings.TRUSTED_PROXIES = ["10.0.0.0/8", "::1/128"]
        assert Gunicorn().cfg.forwarded_allow_ips == ["10.0.0.0/8", "::1/128"]
