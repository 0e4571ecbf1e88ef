"""Fields that only promotions have."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

_PERCENT = r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)$"


@extend_schema_field({"type": "string", "pattern": _PERCENT, "example": "12.5"})
class PercentField(serializers.Field):  # type: ignore[type-arg]
    """A percentage from 0 to 100 with up to two decimal digits, as a text; in Python in hundredths of a per cent."""

    default_error_messages = {"invalid": 'This must be a text such as "12.5", from 0 to 100.'}

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not re.fullmatch(_PERCENT, data, re.ASCII):
            self.fail("invalid")
        whole, _, part = data.partition(".")
        return int(whole) * 100 + int(part.ljust(2, "0"))

    def to_representation(self, value: int) -> str:
        return percent_text(value)


class LocalTimeField(serializers.DateTimeField):
    """RFC 3339; without an offset it is local time in the promotion's time zone."""

    def enforce_timezone(self, value: datetime) -> datetime:
        return value if timezone.is_naive(value) else super().enforce_timezone(value)


def percent_text(percent_bp: int) -> str:
    """Return ``"12.50"`` for 1250 hundredths of a per cent."""
    return f"{percent_bp // 100}.{percent_bp % 100:02d}"
