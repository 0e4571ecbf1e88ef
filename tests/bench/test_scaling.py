"""The simulated shop agrees with the queues whose answer is known."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from bench.scaling import heights, queueing
from bench.scaling.costs import CHECKOUT, Work, shop
from bench.scaling.simulation import Layout, enough, simulate

ONE = Work(name="one", web_ms=10.0, database_ms=0.0, round_trips=1)
ALONE = Layout(name="alone", web=1, database=1, threads=100_000, commit_ms=0.0)


class TestWaits:
    def test_is_the_load_where_one_serves(self) -> None:
        assert queueing.waits(servers=1, offered=0.7) == pytest.approx(0.7)

    def test_is_what_the_tables_of_erlang_c_say(self) -> None:
        assert queueing.waits(servers=2, offered=1.0) == pytest.approx(1 / 3)
        assert queueing.waits(servers=10, offered=8.0) == pytest.approx(0.4092, abs=1e-4)

    def test_is_certain_where_it_is_too_much(self) -> None:
        assert queueing.waits(servers=2, offered=2.0) == 1.0
        assert queueing.mean_wait(servers=2, per_second=200, seconds=0.01) == math.inf


class TestCores:
    def test_leaves_that_much_room(self) -> None:
        assert queueing.cores(per_second=100, milliseconds=12, load=0.6) == 2
        assert queueing.cores(per_second=100, milliseconds=12.1, load=0.6) == 3


class TestSimulate:
    def test_agrees_with_one_server(self) -> None:
        seen = simulate(ALONE, [ONE], orders=70, seconds=400)

        assert seen.mean("one") == pytest.approx(10 / (1 - 0.7), rel=0.08)
        assert seen.percentile("one", 0.99) == pytest.approx(math.log(100) * 10 / (1 - 0.7), rel=0.1)
        assert seen.busy["web"] == pytest.approx(0.7, rel=0.03)

    @pytest.mark.parametrize(("servers", "per_second"), [(2, 150), (4, 320), (8, 640)])
    def test_agrees_with_many_servers(self, servers: int, per_second: float) -> None:
        seen = simulate(replace(ALONE, web=servers), [ONE], orders=per_second, seconds=25_000 / per_second)

        known = 10 + 1000 * queueing.mean_wait(servers=servers, per_second=per_second, seconds=0.01)
        assert seen.mean("one") == pytest.approx(known, rel=0.08)

    def test_sells_one_variant_no_faster_than_its_row_is_let_go(self) -> None:
        order = Work(name="order", web_ms=0.2, database_ms=0.2, round_trips=2, under_lock=1, commits=True)
        layout = Layout(name="hot", web=64, database=64, threads=1000, commit_ms=4.8, hot=1.0)

        seen = simulate(layout, [order], orders=400, seconds=20)

        assert seen.per_second("order") == pytest.approx(1000 / (4.8 + 0.1 + 0.1), rel=0.03)

    def test_is_stopped_by_threads_where_the_database_is_far(self) -> None:
        work = Work(name="far", web_ms=1.0, database_ms=1.0, round_trips=10)
        layout = Layout(name="far", web=2, database=8, threads=4, round_trip_ms=80)

        seen = simulate(layout, [work], orders=100, seconds=60)

        assert seen.per_second("far") == pytest.approx(2 * 4 / (0.8 + 0.002), rel=0.05)

    def test_gives_replicas_what_only_reads(self) -> None:
        works = shop(reads=100)
        alone, helped = Layout(name="", web=4, workers=2), Layout(name="", web=4, workers=2, replicas=4)

        assert helped.demand(works)["database"] == pytest.approx(
            sum(work.database_ms + work.worker_database_ms for work in CHECKOUT)
        )
        assert sum(helped.demand(works).values()) == pytest.approx(sum(alone.demand(works).values()))


class TestEnough:
    def test_gives_each_kind_the_cores_that_such_a_load_needs(self) -> None:
        found = enough(Layout(name="", web=1, database=1, workers=1), [ONE], orders=100, load=0.5)

        assert (found.web, found.database) == (2, 1)


class TestLevels:
    def test_are_what_postgresql_builds_over_a_million_ids(self) -> None:
        # pgstatindex of such an index, just built: tree_level 2, leaf_pages 3832, internal_pages 20.
        assert heights.levels(rows=1_000_000, key_bytes=16) == [3832, 19, 1]

    def test_have_the_leaves_that_postgresql_builds_over_a_million_times_with_ids(self) -> None:
        assert heights.levels(rows=1_000_000, key_bytes=24)[0] == pytest.approx(4927, rel=0.001)

    def test_of_a_few_rows_is_one_page(self) -> None:
        assert heights.levels(rows=10, key_bytes=16) == [1]
