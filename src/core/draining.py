"""A server that is about to leave says so to those that send it requests, and answers until they have heard.

The mark is one byte of memory that a server's process shares with the workers that it forks later.
"""

from __future__ import annotations

import mmap

_mark = mmap.mmap(-1, 1)


def begin_draining() -> None:
    """Have this process and its forks be not ready (``/readyz``) from now on."""
    _mark[0] = 1


def is_draining() -> bool:
    """Tell whether the process that forked us, or we, will leave soon."""
    return _mark[0] == 1
