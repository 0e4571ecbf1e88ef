from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.test import Client

from core.errors import Malformed
from core.models import OutboxEvent
from core.pagination import PageRequest, encode_cursor, paginate
from core.tests.factories import NOON

THINGS = "/api/v1/things"
ORDER = ("-occurred_at", "id")


def make_events(count: int) -> list[str]:
    """Return their names in the order of the list; several share a time."""
    rows = [
        OutboxEvent(name=f"e{n:03}", payload={}, occurred_at=NOON - timedelta(minutes=n // 3)) for n in range(count)
    ]
    OutboxEvent.objects.bulk_create(rows)
    return [row.name for row in rows]


def walk(client: Client, address: str) -> list[str]:
    names: list[str] = []
    while address:
        body = client.get(address).json()
        names += body["results"]
        address = body["next"]
    return names


@pytest.mark.django_db
@pytest.mark.urls("core.tests.urls")
class TestListResponse:
    @pytest.mark.parametrize("size", [1, 7, 20, 100])
    @pytest.mark.parametrize("start", ["", "&cursor="])
    def test_shows_every_row_once_in_total_order(self, client: Client, size: int, start: str) -> None:
        names = make_events(47)

        assert walk(client, f"{THINGS}?size={size}{start}") == names

    def test_does_not_skip_or_repeat_when_rows_are_added_before_the_cursor(self, client: Client) -> None:
        names = make_events(10)
        first = client.get(f"{THINGS}?size=4&cursor=").json()
        OutboxEvent.objects.create(name="new", payload={}, occurred_at=NOON + timedelta(hours=1))

        assert first["results"] + walk(client, first["next"]) == names

    def test_tells_count_and_neighbours(self, client: Client) -> None:
        make_events(5)

        body = client.get(f"{THINGS}?page=2&size=2").json()

        assert body["count"] == 5
        assert body["next"] == f"http://testserver{THINGS}?size=2&page=3"
        assert body["previous"] == f"http://testserver{THINGS}?size=2&page=1"

    def test_is_empty_beyond_the_end(self, client: Client) -> None:
        make_events(2)

        assert client.get(f"{THINGS}?page=9").json() == {
            "count": 2,
            "next": None,
            "previous": f"http://testserver{THINGS}?page=8",
            "results": [],
        }

    @pytest.mark.parametrize(
        "query",
        [
            "page=0",
            "page=-1",
            "page=x",
            "page=1.5",
            "page=100001",
            "page=99999999999999999999",
            "page=",
            "page=%00",
            "size=0",
            "size=101",
            "size=1e1",
            "size=true",
            "page=1&page=2",
            "colour=red",
            "format=json",
            "%00=1",
            "page=٣",
        ],
    )
    def test_s31_refuses_a_wrong_or_unknown_parameter(self, client: Client, query: str) -> None:
        assert client.get(f"{THINGS}?{query}").status_code == 400

    @pytest.mark.parametrize(
        "values",
        [
            [],
            [1],
            ["x", "y"],
            [None, None],
            ["2026-01-01T00:00:00", "0" * 32],
            ["2026-01-01T00:00:00Z", "x"],
            {"a": 1},
            ["2026-01-01T00:00:00Z", 1],
            [True, []],
            [1e308, {}],
            ["\x00", "\x00"],
            7,
            "x",
            [[], []],
        ],
    )
    def test_refuses_a_cursor_that_is_not_one_of_its_own(self, client: Client, values: Any) -> None:
        make_events(1)
        cursor = base64.urlsafe_b64encode(orjson.dumps(values)).decode()

        assert client.get(THINGS, {"cursor": cursor}).status_code == 400

    @pytest.mark.parametrize("cursor", ["x", "!!!!", "é", "a" * 2400, "a" * 3000, "AAAA", "%00"])
    def test_refuses_a_cursor_that_is_none(self, client: Client, cursor: str) -> None:
        assert client.get(THINGS, {"cursor": cursor}).status_code == 400


@pytest.mark.django_db
class TestPaginate:
    def test_takes_one_statement_for_a_last_page_and_two_else(self, django_assert_num_queries: Any) -> None:
        make_events(5)

        with django_assert_num_queries(1):
            whole = paginate(OutboxEvent.objects.all(), page=PageRequest(), order=ORDER)
        with django_assert_num_queries(2):
            part = paginate(OutboxEvent.objects.all(), page=PageRequest(size=2), order=ORDER)

        assert (whole.count, whole.has_more, part.count, part.has_more) == (5, False, 5, True)

    def test_goes_on_within_an_index_rather_than_past_all_that_stands_before(
        self, django_assert_num_queries: Any
    ) -> None:
        make_events(9)
        first = paginate(OutboxEvent.objects.all(), page=PageRequest(size=3, cursor=""), order=ORDER)

        with django_assert_num_queries(2) as asked:
            paginate(OutboxEvent.objects.all(), page=PageRequest(size=3, cursor=first.next_cursor), order=ORDER)

        assert 'WHERE ("core_outboxevent"."occurred_at" <= ' in asked.captured_queries[0]["sql"]

    def test_estimates_a_count_beyond_the_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("core.pagination.EXACT_COUNT_LIMIT", 3)
        make_events(5)

        page = paginate(OutboxEvent.objects.all(), page=PageRequest(size=2), order=ORDER)

        assert page.count_is_estimate

    @pytest.mark.parametrize("value", ["\x00", "x" * 101, None])
    def test_refuses_a_text_that_the_column_cannot_hold(self, value: Any) -> None:
        cursor = encode_cursor([value, "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"])

        with pytest.raises(Malformed):
            paginate(OutboxEvent.objects.all(), page=PageRequest(cursor=cursor), order=("name", "pk"))
