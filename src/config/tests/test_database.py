from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections
from psycopg_pool import PoolTimeout

from config.database import base
from config.database.base import DatabaseWrapper

PATIENCE = 0.4
ALIAS = "crowded"


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(base, "time", SimpleNamespace(monotonic=clock.monotonic))
    monkeypatch.setattr(DatabaseWrapper, "_in_vain", {})
    return clock


class Client:
    """Someone who wants a connection of the pool that all share."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.wrapper = DatabaseWrapper(settings, ALIAS)
        self.held: Any = None

    def take(self) -> None:
        self.held = self.wrapper.get_new_connection(self.wrapper.get_connection_params())

    def give_back(self) -> None:
        if self.held is not None:
            self.wrapper.pool.putconn(self.held)
        self.held = None

    def waits_in_vain(self) -> float:
        """Want one, get none, and return how long that was meant to be waited for."""
        with pytest.raises(PoolTimeout):
            self.take()
        timeout: float = self.wrapper.pool.timeout
        return timeout


@pytest.fixture
def crowd(clock: Clock, django_db_setup: None) -> Iterator[list[Client]]:
    """Three who share a pool of one connection."""
    settings = deepcopy(connections["default"].settings_dict)
    settings["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 1, "timeout": PATIENCE}
    clients = [Client(settings) for _ in range(3)]
    try:
        yield clients
    finally:
        for client in clients:
            client.give_back()
        clients[0].wrapper.close_pool()


@pytest.mark.django_db
class TestPatience:
    def test_is_short_while_others_waited_in_vain(self, crowd: list[Client]) -> None:
        holder, first, second = crowd
        holder.take()

        assert [first.waits_in_vain(), second.waits_in_vain()] == [PATIENCE, 0.25]

    def test_is_long_again_when_nobody_did_for_a_second(self, crowd: list[Client], clock: Clock) -> None:
        holder, first, second = crowd
        holder.take()
        first.waits_in_vain()

        clock.now += 0.9
        early = second.waits_in_vain()
        clock.now += 0.9
        still = first.waits_in_vain()
        clock.now += 1.0

        assert (early, still, second.waits_in_vain()) == (0.25, 0.25, PATIENCE)

    def test_gets_a_connection_that_came_back(self, crowd: list[Client]) -> None:
        holder, first, second = crowd
        holder.take()
        first.waits_in_vain()
        holder.give_back()

        second.take()

        assert second.held.execute("SELECT 1").fetchone() == (1,)
