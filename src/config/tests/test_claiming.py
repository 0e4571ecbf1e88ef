from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import claiming
from config.claiming import claimed
from config.embedded import Refusal

# It holds the lock for a shop, and is deaf to all but SIGKILL.
_HOLDER = """
import fcntl, os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
file.write((sys.argv[2] or str(os.getpid())) + " 8000")
file.flush()
print("held", flush=True)
signal.pause()
"""


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Return what has another process hold the folder's lock, for the shop of that process id; its own if empty."""
    holders: list[subprocess.Popen[str]] = []

    def start(pid: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-c", _HOLDER, str(tmp_path / "shop.lock"), pid]
        holders.append(subprocess.Popen(words, stdout=subprocess.PIPE, text=True))
        output = holders[-1].stdout
        assert output is not None
        assert output.readline() == "held\n"
        return holders[-1]

    yield start
    for holder in holders:
        holder.kill()
        holder.communicate()


@pytest.fixture(autouse=True)
def _is_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claiming, "SECONDS_FOR_ORPHANS", 0.2)


def gone() -> str:
    """Return the id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return str(process.pid)


class TestClaimed:
    def test_notes_who_has_it(self, tmp_path: Path) -> None:
        with claimed(tmp_path, 8123):
            assert (tmp_path / "shop.lock").read_text() == f"{os.getpid()} 8123"

    def test_refuses_where_a_shop_runs(self, tmp_path: Path, hold: Callable[[str], subprocess.Popen[str]]) -> None:
        holder = hold("")

        with pytest.raises(Refusal, match=f"process {holder.pid}, port 8000"), claimed(tmp_path, 8123):
            pass

        assert holder.poll() is None

    @pytest.mark.parametrize("whose", [gone, lambda: str(os.getppid())], ids=["gone", "another's by now"])
    def test_ends_what_a_killed_shop_left_behind(
        self, tmp_path: Path, hold: Callable[[str], subprocess.Popen[str]], whose: Callable[[], str]
    ) -> None:
        holder = hold(whose())

        with claimed(tmp_path, 8123):
            assert (tmp_path / "shop.lock").read_text() == f"{os.getpid()} 8123"

        assert holder.wait() < 0
