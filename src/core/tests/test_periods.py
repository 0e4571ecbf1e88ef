from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from core.periods import Every, Period


class TestPeriod:
    def test_parts_itself_into_months_from_its_first_day_to_its_last(self) -> None:
        period = Period(begins_on=date(2026, 1, 15), ends_on=date(2026, 3, 2))

        assert period.days == [date(2026, 1, 15), date(2026, 2, 1), date(2026, 3, 1)]
        assert [period.label(number) for number in (1, 2, 3)] == ["2026-01", "2026-02", "2026-03"]
        assert (period.begins_at, period.ends_at) == (
            datetime(2026, 1, 15, tzinfo=UTC),
            datetime(2026, 3, 3, tzinfo=UTC),
        )

    def test_knows_that_days_differ_in_length_where_clocks_are_changed(self) -> None:
        days = Period(
            begins_on=date(2026, 3, 28), ends_on=date(2026, 3, 30), every=Every.DAY, time_zone="Europe/Berlin"
        )

        hours = [
            (later - earlier) / timedelta(hours=1) for earlier, later in zip(days.edges, days.edges[1:], strict=False)
        ]

        assert hours == [24, 23, 24]
        assert days.begins_at == datetime(2026, 3, 27, 23, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("begins_on", "ends_on", "every", "zone"),
        [
            (date(2026, 2, 1), date(2026, 1, 31), Every.MONTH, "UTC"),
            (date(2026, 1, 1), date(2027, 3, 1), Every.DAY, "UTC"),
            (date(2016, 1, 1), date(2026, 6, 1), Every.MONTH, "UTC"),
            (date(1969, 12, 31), date(1970, 1, 1), Every.DAY, "UTC"),
            (date(2999, 12, 31), date(3000, 1, 1), Every.DAY, "UTC"),
            (date(2026, 1, 1), date(2026, 1, 1), Every.DAY, "Mars"),
        ],
    )
    def test_refuses_what_is_no_period_of_ours(self, begins_on: date, ends_on: date, every: Every, zone: str) -> None:
        with pytest.raises(ValueError, match=r"\."):
            Period(begins_on=begins_on, ends_on=ends_on, every=every, time_zone=zone)
