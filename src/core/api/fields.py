"""Serializer fields that do not guess: a wrong type is refused, not converted."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core import money

# Control characters (but tab, LF, CR), lone surrogates, and the bidi overrides of Unicode TR #9 that spoof text.
_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
AMOUNT_SCHEMA = {
    "oneOf": [
        {"type": "string", "pattern": r"^[0-9]{1,13}(\.[0-9]{1,4})?$"},
        {"type": "integer", "minimum": 0, "maximum": 9_999_999_999_999},
    ],
    "example": "12.50",
}
MONEY_SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "example": "12.50"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "example": "GBP"},
    },
    "required": ["amount", "currency"],
    "additionalProperties": False,
}


class TextField(serializers.CharField):
    """Text without control characters, in NFC. ``multiline`` allows line breaks."""

    default_error_messages = {
        "not_text": "This must be a string.",
        "unsafe": "Control characters are not allowed.",
    }

    def __init__(self, *, multiline: bool = False, **options: Any) -> None:
        options.setdefault("max_length", 200)
        self.multiline = multiline
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_text")
        # Before NFC, which takes quadratic time on long runs of combining marks.
        if self.max_length is not None and len(data) > 2 * self.max_length + 100:
            self.fail("max_length", max_length=self.max_length)
        if _UNSAFE.search(data) or (not self.multiline and ("\n" in data or "\r" in data)):
            self.fail("unsafe")
        return unicodedata.normalize("NFC", super().to_internal_value(data))


class IntegerField(serializers.IntegerField):
    """A JSON integer: no boolean, no text, no fraction. Query strings send text; ``from_text`` accepts digits."""

    def __init__(self, *, from_text: bool = False, **options: Any) -> None:
        self.from_text = from_text
        options.setdefault("max_value", 2**31 - 1)
        options.setdefault("min_value", -(2**31))
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        if self.from_text and isinstance(data, str) and re.fullmatch(r"-?[0-9]{1,10}", data, re.ASCII):
            return int(data)
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class IdField(serializers.UUIDField):
    """The id of something: a UUID in its textual form (RFC 9562, section 4), nothing that could be read as one."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or not _UUID.fullmatch(data):
            self.fail("invalid", value=data)
        return UUID(data)


class BooleanField(serializers.BooleanField):
    """A JSON boolean. Query strings send text; ``from_text`` accepts ``true`` and ``false``."""

    def __init__(self, *, from_text: bool = False, **options: Any) -> None:
        self.from_text = from_text
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> bool:
        if self.from_text and data in ("true", "false"):
            return bool(data == "true")
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


@extend_schema_field(AMOUNT_SCHEMA)
class AmountField(serializers.Field):  # type: ignore[type-arg]
    """A price as people write it: a plain decimal string (or integer) in major units; the currency decides its digits.

    Returns a ``Decimal``; the service turns it into minor units with ``core.money.to_minor``.
    """

    default_error_messages = {
        "invalid": 'This must be a decimal string such as "12.50", not negative.',
        "currency": "An object must be {{amount, currency}} with an ISO 4217 currency.",
    }

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, (str, int)):
            self.fail("invalid")
        text = str(data)
        if not re.fullmatch(r"[0-9]{1,13}(\.[0-9]{1,4})?", text, re.ASCII):
            self.fail("invalid")
        try:
            return Decimal(text)
        except InvalidOperation:
            self.fail("invalid")

    def to_representation(self, value: Any) -> str:
        return str(value)


@extend_schema_field(MONEY_SCHEMA)
class MoneyField(serializers.Field):  # type: ignore[type-arg]
    """``{"amount", "currency"}`` in and out. Out it takes ``core.money.Money``."""

    # Doubled braces: Django REST Framework formats its messages.
    default_error_messages = {"invalid": 'This must be {{"amount": "12.50", "currency": "GBP"}}.'}

    def to_internal_value(self, data: Any) -> money.Money:
        if not isinstance(data, dict) or set(data) != {"amount", "currency"}:
            self.fail("invalid")
        amount, currency = data["amount"], data["currency"]
        if not isinstance(amount, str) or not isinstance(currency, str) or not money.is_currency(currency):
            self.fail("invalid")
        if not re.fullmatch(r"[0-9]{1,13}(\.[0-9]{1,4})?", amount, re.ASCII):
            self.fail("invalid")
        try:
            return money.Money(money.to_minor(amount, currency), currency)
        except money.NotMoney:
            self.fail("invalid")

    def to_representation(self, value: money.Money) -> dict[str, str]:
        return money.as_document(value.minor, value.currency)


class TimeField(serializers.DateTimeField):
    """RFC 3339, always with an offset, told in UTC."""

    def enforce_timezone(self, value: datetime) -> datetime:
        if timezone.is_naive(value):
            self.fail("invalid", format="RFC 3339 with an offset")
        return super().enforce_timezone(value)


class DateField(serializers.DateField):
    """A day as ``YYYY-MM-DD`` (RFC 3339), in no other of the forms that ISO 8601 knows."""

    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str) or not _DATE.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)
