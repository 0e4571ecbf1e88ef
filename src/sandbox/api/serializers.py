"""What comes in. What goes out stands in ``sandbox.selectors``: webhooks carry it too."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from rest_framework import serializers

from core import money
from core.api.fields import BooleanField, IntegerField, TextField
from core.api.serializers import Input, Query
from core.errors import Malformed
from sandbox.domain import Card, FaultName, Switch, check_return_url
from sandbox.errors import ChargeNotFound

_MOST_TIMES = 1000
_MOST_SECONDS = 3 * 24 * 3600
_HELD_BACK_SECONDS = 60


def read_id(text: str, prefix: str) -> UUID:
    """Return the id behind ``ch_…``, ``re_…`` or ``evt_…``.

    :raises ChargeNotFound: it is not one
    """
    match = re.fullmatch(rf"{prefix}_([0-9a-f]{{32}})", text, re.ASCII)
    if match is None:
        raise ChargeNotFound
    return UUID(match.group(1))


class ReturnUrlField(TextField):
    """Where a shopper goes afterwards: http or https."""

    default_error_messages = {"address": "An http or https address without user name."}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=2000, trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        try:
            return check_return_url(super().to_internal_value(data))
        except Malformed:
            self.fail("address")


class CardField(TextField):
    """The name of a test card."""

    default_error_messages = {"card": f"One of {', '.join(card.value for card in Card)}, or null."}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text not in [card.value for card in Card]:
            self.fail("card")
        return text


class CurrencyField(TextField):
    """A currency of ISO 4217."""

    default_error_messages = {"currency": "A currency of ISO 4217, such as GBP."}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not money.is_currency(text):
            self.fail("currency")
        return text


class ChargeInput(Input):
    """A new charge."""

    amount = IntegerField(min_value=1, max_value=money.MAX_MINOR)
    currency = CurrencyField(max_length=3)
    reference = TextField()
    return_url = ReturnUrlField()
    card = CardField(max_length=10, allow_null=True, default=None)
    capture = BooleanField(default=True)
    # Serializers take their fields out of the class: the method of that name stays.
    save = BooleanField(default=False)  # type: ignore[assignment]
    saved = TextField(max_length=100, allow_null=True, default=None)


class CaptureInput(Input):
    """How much to take; left out, all."""

    amount = IntegerField(min_value=1, max_value=money.MAX_MINOR, default=None)


class RefundInput(Input):
    """How much to give back."""

    amount = IntegerField(min_value=1, max_value=money.MAX_MINOR)
    reference = TextField(allow_blank=True, default="")


class NothingInput(Input):
    """An empty object."""


class ChargeQuery(Query):
    """Whose charges."""

    reference = TextField()


class EventQuery(Query):
    """Which webhooks."""

    charge = TextField(default="")
    reference = TextField(default="")


class SwitchField(serializers.Field):  # type: ignore[type-arg]
    """``true`` until it is switched off, ``false``, or for how many requests."""

    default_error_messages = {"switch": f"true, false, or a number of times up to {_MOST_TIMES}."}

    def to_internal_value(self, data: Any) -> int | None:
        if isinstance(data, bool):
            return None if data else 0
        if not isinstance(data, int) or not 0 <= data <= _MOST_TIMES:
            self.fail("switch")
        return data


class WebhookFaultsInput(Input):
    """What befalls webhooks."""

    late_seconds = IntegerField(min_value=0, max_value=_MOST_SECONDS, default=0)
    doubled = SwitchField(default=0)
    reordered = SwitchField(default=0)
    lost = SwitchField(default=0)


class FaultsInput(Input):
    """What goes wrong from now on; what is left out does not."""

    timeout_after_success = SwitchField(default=0)
    timeout_seconds = IntegerField(min_value=0, max_value=_HELD_BACK_SECONDS, default=0)
    error_after_success = SwitchField(default=0)
    unavailable = SwitchField(default=0)
    refunds_fail = SwitchField(default=0)
    webhooks = WebhookFaultsInput(default={"late_seconds": 0, "doubled": 0, "reordered": 0, "lost": 0})

    def switches(self) -> dict[FaultName, Switch]:
        """Return what the body switches on."""
        said = {**self.validated_data, **self.validated_data["webhooks"]}
        found = {name: Switch(said[name]) for name in FaultName if said.get(name, 0) != 0}
        if FaultName.TIMEOUT_AFTER_SUCCESS in found:
            held_back = Switch(said["timeout_after_success"], said["timeout_seconds"])
            found[FaultName.TIMEOUT_AFTER_SUCCESS] = held_back
        if said["late_seconds"]:
            found[FaultName.LATE] = Switch(None, said["late_seconds"])
        return found


def faults_document(switches: dict[str, Switch]) -> dict[str, Any]:
    """Return the faults in the shape in which they are switched on."""

    def told(name: FaultName) -> bool | int:
        switch = switches.get(name.value)
        if switch is None:
            return False
        return True if switch.times is None else switch.times

    def seconds(name: FaultName) -> int:
        return switches[name.value].seconds if name.value in switches else 0

    return {
        "timeout_after_success": told(FaultName.TIMEOUT_AFTER_SUCCESS),
        "timeout_seconds": seconds(FaultName.TIMEOUT_AFTER_SUCCESS),
        "error_after_success": told(FaultName.ERROR_AFTER_SUCCESS),
        "unavailable": told(FaultName.UNAVAILABLE),
        "refunds_fail": told(FaultName.REFUNDS_FAIL),
        "webhooks": {
            "late_seconds": seconds(FaultName.LATE),
            "doubled": told(FaultName.DOUBLED),
            "reordered": told(FaultName.REORDERED),
            "lost": told(FaultName.LOST),
        },
    }
