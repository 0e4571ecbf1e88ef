from __future__ import annotations

from types import SimpleNamespace

import pytest

from config.settings import processes
from config.web_gunicorn import DrainingArbiter, Gunicorn
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


class TestGunicorn:
    def test_believes_our_own_proxies_alone(self, settings: SimpleNamespace) -> None:
        settings.TRUSTED_PROXIES = []
        assert Gunicorn().cfg.forwarded_allow_ips == []

        settings.TRUSTED_PROXIES = ["10.0.0.0/8", "::1/128"]
        assert Gunicorn().cfg.forwarded_allow_ips == ["10.0.0.0/8", "::1/128"]
