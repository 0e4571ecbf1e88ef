from __future__ import annotations

from typing import Any

import pytest
from celery.beat import Scheduler
from conftest import free_port
from kombu.utils import functional

from config.celery import app
from config.consuming import Consumer


class _Enough(Exception):
    """So many pauses tell how it goes on."""


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody sleeps: for how long they would have, until there are many of them."""
    kept: list[float] = []

    def note(seconds: float) -> None:
        kept.append(seconds)
        if sum(kept) >= 60:
            raise _Enough

    monkeypatch.setattr(functional, "sleep", note)
    return kept


def _connect_worker(connection: Any) -> Any:
    consumer = Consumer.__new__(Consumer)
    consumer.app, consumer.first_connection_attempt, consumer.broker_connection_retry_attempt = app, True, 0
    return consumer.ensure_connected(connection)


def _connect_clock(connection: Any) -> Any:
    clock: Any = Scheduler.__new__(Scheduler)
    clock.app = app
    clock.__dict__["connection"] = connection
    return clock._ensure_connected()


@pytest.mark.parametrize("connect", [_connect_worker, _connect_clock])
def test_a_broker_that_is_away_is_asked_for_every_two_seconds(
    connect: Any, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[float] = []
    connection: Any = app.connection_for_read(url=f"amqp://guest:guest@127.0.0.1:{free_port()}//")
    real = connection._connection_factory

    def connect_once() -> object:
        tries.append(sum(pauses))
        return real()

    monkeypatch.setattr(connection, "_connection_factory", connect_once)

    with pytest.raises(_Enough):
        connect(connection)

    assert tries == [2.0 * number for number in range(len(tries))]
    assert len(tries) == 30
