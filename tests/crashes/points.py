"""Every place at which a process can die: found in the code, seen in a run, then struck, one by one.

A point is the beginning or the end of a step, a command or a call of a provider, or the commit of a command. Nothing
lists them: whatever is decorated, and whatever a provider can do, is one.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import CellType, FunctionType, SimpleNamespace
from typing import Any
from unittest.mock import patch

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from core import transactions
from payments.providers import Provider

_DECORATED = ("command.<locals>.run", "step.<locals>.run")


class Died(BaseException):
    """The process is gone: nothing catches this, whatever was not committed is undone."""


class Broke(Exception):
    """Something failed that nobody foresaw: it is answered with a 500, or tried again."""


class Watch:
    """Notes every point that is passed, and strikes at one of them, once."""

    def __init__(self, *, strike_at: int | None = None, by: type[BaseException] = Died) -> None:
        self.passed: list[str] = []
        # How many statements and commits had come before each of them.
        self.changes: list[int] = []
        self.struck: str = ""
        self._changes = 0
        self._strike_at, self._by = strike_at, by

    def note(self, point: str) -> None:
        """Pass a point, or be struck at it."""
        self.passed.append(point)
        self.changes.append(self._changes)
        if len(self.passed) - 1 == self._strike_at:
            self.struck = point
            raise self._by(point)

    def distinct(self) -> dict[str, int]:
        """Return point -> where it was first passed; of those between which nothing changed, the first."""
        first: dict[str, int] = {}
        for where, point in enumerate(self.passed):
            if where == 0 or self.changes[where] != self.changes[where - 1]:
                first.setdefault(point, where)
        return first

    def run(self, execute: Callable[..., Any], *args: Any) -> Any:
        """Run a statement, and count it (``connection.execute_wrapper``)."""
        self._changes += 1
        return execute(*args)

    def commit(self) -> None:
        """Pass the point at which what the last one ended is committed."""
        self._changes += 1
        self.note(f"{self.passed[-1]} and is committed")

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        """Pass the beginning and, if it comes to that, the end."""
        self.note(f"{name} begins")
        yield
        self.note(f"{name} ends")


@contextmanager
def watched(watch: Watch) -> Iterator[Watch]:
    """Have every step, command and call of a provider in the block pass the watch."""
    with ExitStack() as stack:
        for function in decorated():
            cell = _cell_of(function)
            stack.callback(setattr, cell, "cell_contents", cell.cell_contents)
            cell.cell_contents = _told(cell.cell_contents, watch)
        for provider in map(import_string, settings.PAYMENT_PROVIDERS.values()):
            for name in _calls():
                stack.enter_context(patch.object(provider, name, _told(getattr(provider, name), watch)))
        stack.enter_context(connection.execute_wrapper(watch.run))
        shim = SimpleNamespace(atomic=functools.partial(_atomic, watch))
        stack.enter_context(patch.object(transactions, "transaction", shim))
        yield watch


def decorated() -> list[FunctionType]:
    """Return all steps and commands of the modules that are loaded."""
    modules = [module for name, module in list(sys.modules.items()) if name.split(".")[0] in settings.INSTALLED_APPS]
    found = [value for module in modules for value in vars(module).values() if inspect.isfunction(value)]
    return list({id(function): function for function in found if function.__code__.co_qualname in _DECORATED}.values())


def name_of(function: Callable[..., Any]) -> str:
    """Return how a step or command is called in reports."""
    return f"{function.__module__}.{function.__qualname__}"


def _cell_of(function: FunctionType) -> CellType:
    held: dict[str, CellType] = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    # A command's is held by what carries it out.
    return held["function"] if "function" in held else _cell_of(held["carry_out"].cell_contents)


def _calls() -> list[str]:
    """Return what a provider can be asked."""
    return [name for name, _ in inspect.getmembers(Provider, inspect.isfunction) if not name.startswith("_")]


def _told(function: Callable[..., Any], watch: Watch) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with watch.around(name_of(function)):
            return function(*args, **kwargs)

    return run


@contextmanager
def _atomic(watch: Watch, **options: Any) -> Iterator[None]:
    with transaction.atomic(**options):
        yield
    watch.commit()
