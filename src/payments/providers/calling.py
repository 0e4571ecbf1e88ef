"""Calling a provider: never inside a transaction, and not while it is known to be down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar, cast

import structlog
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from core import tally
from payments.errors import ProviderUnknown
from payments.providers.base import OutcomeUnknown, Provider, ProviderUnavailable

R = TypeVar("R")
log = structlog.get_logger(__name__)

_FAILURES = 3
_OPEN_SECONDS = 5.0


class InTransaction(RuntimeError):
    """A provider was called while rows are locked: a defect of the caller."""


class _Circuit:
    """Open after a few failures in a row, for a few seconds; then one caller tries.

    Each process learns for itself: it costs it three failures, and there is no shared memory that could be down, too.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0

    def enter(self) -> bool:
        """Tell whether a call may be made now."""
        with self._lock:
            if self._failures < _FAILURES:
                return True
            if time.monotonic() < self._closed_until:
                return False
            self._closed_until = time.monotonic() + _OPEN_SECONDS
            return True

    def leave(self, *, is_well: bool) -> None:
        """Note how the call ended."""
        with self._lock:
            self._failures = 0 if is_well else self._failures + 1
            if self._failures >= _FAILURES:
                self._closed_until = time.monotonic() + _OPEN_SECONDS


_circuits: dict[str, _Circuit] = {}


def find_provider(name: str) -> Provider:
    """Return the provider of that name.

    :raises ProviderUnknown: the settings name none
    """
    path = settings.PAYMENT_PROVIDERS.get(name)
    if path is None:
        raise ProviderUnknown(provider=name)
    return _load(path)


@cache
def _load(path: str) -> Provider:
    return cast("Provider", import_string(path)())


def call(name: str, ask: Callable[[Provider], R]) -> R:
    """Ask something of a provider.

    :raises InTransaction: rows may be locked while a stranger takes its time
    :raises ProviderUnavailable: it was not reached, or is known to be down; nothing happened
    :raises OutcomeUnknown: it may have done it
    :raises ProviderRefused: it said no
    """
    if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise InTransaction(name)
    circuit = _circuits.setdefault(name, _Circuit())
    provider = find_provider(name)
    if not circuit.enter():
        raise ProviderUnavailable(f"{name} is not called for a moment")
    is_well = True
    try:
        return ask(provider)
    except (ProviderUnavailable, OutcomeUnknown) as error:
        is_well = False
        tally.count("provider_failures", name)
        log.warning("provider fails", provider=name, error=f"{type(error).__name__}: {error}")
        raise
    finally:
        circuit.leave(is_well=is_well)


def forget_failures() -> None:
    """Close all circuits. For tests."""
    _circuits.clear()
