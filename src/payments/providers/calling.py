"""Calling a provider: never inside a transaction, and not while it is known to be down.

Nor by all threads of a process at once: one that takes its time leaves some to other providers and to everybody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore
from typing import TypeVar, cast

import structlog
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from core import tally
from core.circuits import Circuit
from payments.errors import ProviderUnknown
from payments.providers.base import OutcomeUnknown, Provider, ProviderUnavailable

R = TypeVar("R")
log = structlog.get_logger(__name__)


class InTransaction(RuntimeError):
    """A provider was called while rows are locked: a defect of the caller."""


# Others are done within moments where the provider is well.
_SECONDS_FOR_A_TURN = 1.0
_circuits: dict[str, Circuit] = {}
_turns: dict[str, BoundedSemaphore] = {}


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
    :raises ProviderUnavailable: it was not reached, is known to be down, or has others wait already; nothing happened
    :raises OutcomeUnknown: it may have done it
    :raises ProviderRefused: it said no
    """
    if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise InTransaction(name)
    circuit = _circuits.setdefault(name, Circuit())
    provider = find_provider(name)
    if not circuit.enter():
        raise ProviderUnavailable(f"{name} is not called for a moment")
    is_well = True
    try:
        with _turn(name):
            return ask(provider)
    except (ProviderUnavailable, OutcomeUnknown) as error:
        is_well = False
        tally.count("provider_failures", name)
        log.warning("provider fails", provider=name, error=f"{type(error).__name__}: {error}")
        raise
    finally:
        circuit.leave(is_well=is_well)


@contextmanager
def _turn(name: str) -> Iterator[None]:
    turns = _turns.setdefault(name, BoundedSemaphore(settings.PAYMENT_CALLS_AT_ONCE))
    if not turns.acquire(timeout=_SECONDS_FOR_A_TURN):
        raise ProviderUnavailable(f"{name} has everybody wait")
    try:
        yield
    finally:
        turns.release()


def forget_failures() -> None:
    """Close all circuits. For tests."""
    _circuits.clear()
    _turns.clear()
