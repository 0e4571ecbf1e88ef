"""Two kinds of write: a ``@command`` opens the transaction, a ``@step`` takes part in one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

from django.db import connection, transaction


P = ParamSpec("P")
R = TypeVar("R")


class NoTransaction(RuntimeError):
    """A step was called outside a command: a defect of the caller."""


class _Host:
    def __init__(self) -> None:
        self.taken = False


_host: ContextVar[_Host | None] = ContextVar("host", default=None)


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Run the service in a transaction of its own, and refuse to nest.

    Inside ``hosted()`` the first command runs in the host's transaction, so that what the host writes beside it
    (the stored answer of an idempotent request) commits with it or not at all.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        host = _host.get()
        if host is not None and not host.taken:
            host.taken = True
            return function(*args, **kwargs)
        with transaction.atomic(durable=True):
            return function(*args, **kwargs)

    return run


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
    """Tell whether a command's transaction is open."""
    return any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


@contextmanager
def hosted() -> Iterator[None]:
    """Open the transaction on behalf of the one command that the block calls."""
    token = _host.set(_Host())
    try:
        with transaction.atomic(durable=True):
            yield
    finally:
        _host.reset(token)
