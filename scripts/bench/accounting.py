"""What the shop's processes used, by the kernel's own account."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

GROUPS = ("web", "worker", "postgres", "redis", "supervisor")
_NAMES = {"nexus web": "web", "nexus worker": "worker", "bin/postgres ": "postgres", "redis-server": "redis"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Resident megabytes of one process; ``pss`` shares out what several processes map (0 where unknown)."""

    group: str
    pid: int
    rss_mb: float
    pss_mb: float


def cpu_seconds(top: psutil.Process) -> dict[str, float]:
    """Return group -> seconds of user and system time, of what runs below ``top`` and of what already ended there.

    A process counts what its ended children used (``cutime``, proc(5)), so that the sum over the living is complete.
    """
    used = dict.fromkeys(GROUPS, 0.0)
    for group, process in _processes(top):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            used[group] += times.user + times.system + times.children_user + times.children_system
    return used


def memory(top: psutil.Process) -> list[Memory]:
    """Return what each process has resident."""
    found = []
    for group, process in _processes(top):
        with contextlib.suppress(psutil.Error):
            rss = process.memory_info().rss / 1e6
            pss = 0.0
            with contextlib.suppress(psutil.Error, AttributeError):
                pss = process.memory_full_info().pss / 1e6
            found.append(Memory(group=group, pid=process.pid, rss_mb=rss, pss_mb=pss))
    return found


def _processes(top: psutil.Process) -> Iterator[tuple[str, psutil.Process]]:
    yield "supervisor", top
    for child in top.children():
        with contextlib.suppress(psutil.Error):
            words = f"{' '.join(child.cmdline())} "
            group = next((group for words_in, group in _NAMES.items() if words_in in words), "supervisor")
            yield group, child
            for below in child.children(recursive=True):
                yield group, below
