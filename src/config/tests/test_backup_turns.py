from __future__ import annotations

from types import SimpleNamespace

import pytest

from config.backups import turns
from config.backups.turns import Turn


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    told = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(turns, "time", SimpleNamespace(monotonic=lambda: told.now))
    return told


class TestTurn:
    def test_is_due_once_in_so_many_seconds(self, clock: SimpleNamespace) -> None:
        turn = Turn(seconds=60)
        assert turn.is_due()
        with turn.taken():
            assert not turn.is_due()
            clock.now += 1

        clock.now += 59.9
        assert not turn.is_due()
        clock.now += 0.1
        assert turn.is_due()

    def test_takes_a_twentieth_of_the_time_however_long_it_takes(self, clock: SimpleNamespace) -> None:
        turn = Turn(seconds=60)
        with turn.taken():
            clock.now += 100

        clock.now += 1899
        assert not turn.is_due()
        clock.now += 1
        assert turn.is_due()

    def test_comes_again_where_it_failed(self, clock: SimpleNamespace) -> None:
        turn = Turn(seconds=60)
        with pytest.raises(OSError, match="away"), turn.taken():
            raise OSError("away")

        clock.now += 60
        assert turn.is_due()
