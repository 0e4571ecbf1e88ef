"""Calling a provider: never inside a transaction, and not while it is known to be down."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
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


_circuits: dict[str, Circuit] = {}


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
    circuit = _circuits.setdefault(name, Circuit())
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
