"""Two kinds of write: a ``@command`` opens the transaction, a ``@step`` takes part in one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

from django.db import connection, transaction

from core.auditing import note
from core.batching import batched

P = ParamSpec("P")
R = TypeVar("R")


class NoTransaction(RuntimeError):
    """A step was called outside a command: a defect of the caller."""


class HalfDone(RuntimeError):
    """A host wants to commit what a failed command left behind: a defect of the caller."""


class _Host:
    """The transaction that waits for its one command."""

    def __init__(self) -> None:
        self.taken = False
        self.failed = False


_host: ContextVar[_Host | None] = ContextVar("host", default=None)


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Run the service in a transaction of its own, and refuse to nest.

    What staff have carried out is noted in the same transaction (``core.auditing``).

    Inside ``hosted()`` the first command runs in the host's transaction, so that what the host writes beside it
    (the stored answer of an idempotent request) commits with it or not at all.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        host = _host.get()
        if host is not None and not host.taken:
            return _run_as_guest(host, lambda: carry_out(*args, **kwargs))
        with transaction.atomic(durable=True), batched():
            return carry_out(*args, **kwargs)

    def carry_out(*args: P.args, **kwargs: P.kwargs) -> R:
        result = function(*args, **kwargs)
        note(function, kwargs)
        return result

    return run


def _run_as_guest(host: _Host, run: Callable[[], R]) -> R:
    host.taken = True
    try:
        with batched():
            return run()
    except BaseException:
        host.failed = True
        raise


def step(function: Callable[P, R]) -> Callable[P, R]:
    """Take part in the caller's transaction.

    :raises NoTransaction: there is none (the one that a test case opens does not count)
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if not in_transaction():
            raise NoTransaction(f"{function.__module__}.{function.__qualname__} is a step: call it from a command")
        return function(*args, **kwargs)

    return run


def in_transaction() -> bool:
    """Tell whether a command's transaction is open. A host that still waits for its command is none."""
    host = _host.get()
    if host is not None and not host.taken:
        return False
    return any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


@contextmanager
def hosted() -> Iterator[None]:
    """Open the transaction on behalf of the one command that the block calls.

    :raises HalfDone: the command failed and the block went on as if it had not
    """
    host = _Host()
    token = _host.set(host)
    try:
        with transaction.atomic(durable=True):
            yield
            if host.failed:
                raise HalfDone("a failed command's host must not commit: let its error pass")
    finally:
        _host.reset(token)
