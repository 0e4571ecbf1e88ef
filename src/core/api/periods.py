"""The period of a report, as it is asked for."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.fields import DateField, TextField
from core.api.serializers import Query
from core.periods import Every, Period

FORMATS = ("json", "csv")


class PeriodQuery(Query):
    """From when to when, in parts of what length, by whose clock, and whether as JSON or CSV.

    Its values are ``period``, ``as_csv`` and what a subclass adds; ``now`` has to be in the context.
    """

    to = DateField(source="ends_on", required=False, help_text="The last day; without it, today.")
    by = serializers.ChoiceField(choices=[every.value for every in Every], default=Every.MONTH.value)
    time_zone = TextField(max_length=64, default="UTC", help_text="IANA name: where days begin.")
    format = serializers.ChoiceField(choices=FORMATS, default=FORMATS[0])

    def get_fields(self) -> dict[str, Any]:
        """Add the one whose name is a word of Python."""
        begins = DateField(
            source="begins_on", required=False, help_text="The first day; without it, that of the last one's month."
        )
        return {"from": begins, **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Make one period of the parts.

        :raises ValidationError: there is no such period
        """
        ends_on = attrs.pop("ends_on", None) or self.context["now"].date()
        begins_on = attrs.pop("begins_on", None) or ends_on.replace(day=1)
        every, zone = Every(attrs.pop("by")), attrs.pop("time_zone")
        try:
            period = Period(begins_on=begins_on, ends_on=ends_on, every=every, time_zone=zone)
        except ValueError as error:
            raise serializers.ValidationError({"to": str(error)}) from error
        return {"period": period, "as_csv": attrs.pop("format") == "csv", **attrs}
