from __future__ import annotations

import time

import pytest

from config.supervisor import LONGEST_PAUSE, SECONDS_WELL, Process


def pause_after(process: Process, *, lived: float, status: int) -> float:
    """Have a process end that lived so long, and return how long it waits to be started again."""
    process.started_at = time.monotonic() - lived
    before = time.monotonic()
    process.ended(status)
    return process.due_at - before


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    monkeypatch.setattr("os.killpg", lambda *_: None)
    return Process("test", lambda: None)


class TestEnded:
    def test_waits_longer_each_time_it_fails(self, process: Process) -> None:
        pauses = [round(pause_after(process, lived=1, status=1), 1) for _ in range(8)]

        assert pauses == sorted(pauses)
        assert pauses[-1] == LONGEST_PAUSE

    def test_forgets_failures_of_long_ago(self, process: Process) -> None:
        for _ in range(8):
            pause_after(process, lived=1, status=1)

        pause = pause_after(process, lived=SECONDS_WELL + 1, status=1)

        assert pause < 1

    def test_starts_at_once_what_somebody_killed(self, process: Process) -> None:
        pause_after(process, lived=1, status=1)

        assert pause_after(process, lived=1, status=-9) < 0.1
