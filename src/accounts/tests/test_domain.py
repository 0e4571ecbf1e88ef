from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.domain import Limit, email_key, phone_number
from core.quotas import Quota

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class TestEmailKey:
    @pytest.mark.parametrize("written", ["ADA@Example.com", " ada@example.com ", "ada@example.com"])
    def test_s24_is_the_same_in_every_case_and_width(self, written: str) -> None:
        assert email_key(written) == "ada@example.com"

    def test_keeps_what_only_looks_alike_apart(self) -> None:
        assert email_key("\u0430da@example.com") != email_key("ada@example.com")


class TestPhoneNumber:
    @pytest.mark.parametrize(
        ("text", "country"),
        [("+44 20 7946 0958", None), ("020 7946 0958", "GB"), ("+44 (0)20 7946-0958", "US")],
    )
    def test_is_e164(self, text: str, country: str | None) -> None:
        assert phone_number(text, country=country) == "+442079460958"

    @pytest.mark.parametrize("text", ["020 7946 0958", "+44", "abc", "", "+4420794609581234567", "+442079460958 ext 5"])
    def test_refuses_what_nobody_can_dial(self, text: str) -> None:
        with pytest.raises(ValueError, match="telephone"):
            phone_number(text)


class TestLimit:
    def test_allows_until_it_is_full(self) -> None:
        limit = Limit(2, timedelta(minutes=15))

        assert limit.wait_seconds([NOON], at=NOON) == 0

    def test_waits_until_the_oldest_that_counts_is_out(self) -> None:
        limit = Limit(2, timedelta(minutes=15))
        times = [NOON - timedelta(minutes=10), NOON - timedelta(minutes=5)]

        assert limit.wait_seconds(times, at=NOON) == 5 * 60 + 1

    def test_forgets_what_is_older(self) -> None:
        limit = Limit(1, timedelta(minutes=15))

        assert limit.wait_seconds([NOON - timedelta(minutes=15)], at=NOON) == 0


class TestQuota:
    LIMIT = Limit(2, timedelta(minutes=15), "guess")

    def test_is_whole_while_nothing_counts(self) -> None:
        assert self.LIMIT.quota([NOON - timedelta(minutes=15)], at=NOON) == Quota("guess", 2, 900, 2, 900)

    def test_tells_when_the_oldest_stops_counting(self) -> None:
        times = [NOON - timedelta(minutes=20), NOON - timedelta(minutes=10), NOON]

        assert self.LIMIT.quota(times[:2], at=NOON) == Quota("guess", 2, 900, 1, 301)
        assert self.LIMIT.quota(times, at=NOON) == Quota("guess", 2, 900, 0, 301)
