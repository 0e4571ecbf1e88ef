"""The time that a report is about, in parts that begin at somebody's midnight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import cached_property
from zoneinfo import ZoneInfo, available_timezones

_EARLIEST, _LATEST = date(1970, 1, 1), date(2999, 12, 31)


class Every(Enum):
    """How long a part of the time is."""

    DAY = "day"
    MONTH = "month"


# So many parts are about a year of days, and ten of months.
_MOST = {Every.DAY: 400, Every.MONTH: 120}


@dataclass(frozen=True, kw_only=True)
class Period:
    """From the first day to the last, both included, by the clock of a time zone (IANA).

    :raises ValueError: it ends before it begins, has too many parts, or the zone is unknown
    """

    begins_on: date
    ends_on: date
    every: Every = Every.MONTH
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.time_zone not in available_timezones():
            raise ValueError("This is no time zone (IANA).")
        if self.ends_on < self.begins_on:
            raise ValueError("It ends before it begins.")
        if self.begins_on < _EARLIEST or self.ends_on > _LATEST:
            raise ValueError(f"Between {_EARLIEST} and {_LATEST}.")
        if (self.ends_on - self.begins_on).days >= _MOST[self.every] * (1 if self.every is Every.DAY else 31):
            raise ValueError(f"At most {_MOST[self.every]} {self.every.value}s at once.")

    @cached_property
    def days(self) -> list[date]:
        """The first day of each part."""
        step = timedelta(days=1)
        whole = [self.begins_on + step * number for number in range((self.ends_on - self.begins_on).days + 1)]
        return whole if self.every is Every.DAY else [day for day in whole if day in (whole[0], day.replace(day=1))]

    @cached_property
    def edges(self) -> list[datetime]:
        """When each part begins, and last the moment at which the time is over. In UTC."""
        zone = ZoneInfo(self.time_zone)
        days = [*self.days, self.ends_on + timedelta(days=1)]
        return [datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC) for day in days]

    @property
    def begins_at(self) -> datetime:
        return self.edges[0]

    @property
    def ends_at(self) -> datetime:
        """The first moment that is not in it any more."""
        return self.edges[-1]

    def label(self, number: int) -> str:
        """Return what the n-th part is called, counted from 1: ``2026-06``, or ``2026-06-01``."""
        day = self.days[number - 1]
        return day.isoformat() if self.every is Every.DAY else f"{day:%Y-%m}"
