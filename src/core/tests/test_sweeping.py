from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction

from core import sweeping
from core.models import Delivery, IdempotencyRecord
from core.sweeping import sweep
from core.tests.factories import NOON, make_delivery
from core.tests.plans import STATISTICS, pile_up, visits


@pytest.mark.django_db(transaction=True)
class TestSweep:
    def test_removes_all_in_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        kept = make_delivery("a.handler")
        for _ in range(5):
            make_delivery()
        parts: list[int] = []
        sweep_part = sweeping._sweep_part

        def watched(**asked: Any) -> tuple[int, Any]:
            removed, last = sweep_part(**asked)
            parts.append(removed)
            return removed, last

        monkeypatch.setattr(sweeping, "_sweep_part", watched)

        assert sweep(Delivery.objects.exclude(pk=kept.pk), part=2) == 5

        assert parts == [2, 2, 1]
        assert Delivery.objects.get() == kept

    def test_leaves_the_rest_for_the_next_time_when_it_takes_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(5):
            make_delivery()
        monkeypatch.setattr(sweeping, "SECONDS", -1.0)

        assert sweep(Delivery.objects.all(), part=2) == 2
        assert Delivery.objects.count() == 3

    def test_waits_for_nobody_who_holds_one(self) -> None:
        held, _ = make_delivery(), make_delivery()
        is_held, is_swept = Event(), Event()

        def hold() -> None:
            with transaction.atomic():
                Delivery.objects.filter(pk=held.pk).locked().get()
                is_held.set()
                is_swept.wait(30)
            connection.close()

        with ThreadPoolExecutor(1) as beside:
            holding = beside.submit(hold)
            assert is_held.wait(30)
            count = sweep(Delivery.objects.all())
            is_swept.set()
            holding.result()

        assert count == 1
        assert Delivery.objects.get() == held


@pytest.mark.django_db
@pytest.mark.parametrize("statistics", STATISTICS)
def test_a_part_looks_at_its_own_rows_alone(statistics: str) -> None:
    usual = {"scope": "'s'", "key": "n::text"}
    due = {"expires_at": "timestamptz '2026-03-01 11:00Z' + n * interval '1 ms'"}
    later = {"expires_at": "timestamptz '2026-03-01 13:00Z'"}
    pile_up(IdempotencyRecord, statistics=statistics, done=usual | later, due=usual | due)

    with visits("core_idempotencyrecord") as seen:
        count = sweep(IdempotencyRecord.objects.filter(expires_at__lte=NOON), by="expires_at", part=1000)

    assert count == 3000
    for verb in ("SELECT", "DELETE"):
        assert [each.rows for each in seen if each.statement.startswith(verb)] == [1000, 1000, 1000, 0]
    # Nor at what the parts before it removed, which stays in the index until the table is vacuumed.
    last_look = [each for each in seen if each.statement.startswith("SELECT")][-1]
    assert last_look.blocks < 20
