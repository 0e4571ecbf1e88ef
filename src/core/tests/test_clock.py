from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from core import clock


def ask_the_database() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


@pytest.mark.django_db
class TestDatabaseNow:
    def test_is_the_time_by_the_databases_clock(self) -> None:
        before = ask_the_database()

        now = clock.database_now()

        assert before < now < ask_the_database()

    def test_costs_one_query(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            clock.database_now()

    def test_is_what_was_told_within_a_block(self, django_assert_num_queries: Any) -> None:
        told = datetime(2026, 1, 1, tzinfo=UTC)

        with django_assert_num_queries(0), clock.told(told):
            assert clock.database_now() == told
        assert clock.database_now() > told
