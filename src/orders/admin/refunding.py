"""Giving money back for an order, in the back office: an amount, some of its units, or all that is left."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms

from core.admin import StaffForm, as_words
from core.ids import new_id
from orders.models import Order
from orders.services import RefundItem, RefundOrder
from payments.domain import RefundTo

_UNITS, _SHELF = "units_", "shelf_"
# An exchange is settled with its return.
_TO = [(to.value, as_words(to.value)) for to in RefundTo if to is not RefundTo.EXCHANGE]


class RefundForm(StaffForm):
    """How much goes back, where to, and why; once, however often the page is sent."""

    request_key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64, initial=lambda: new_id().hex)
    amount = forms.DecimalField(
        required=False,
        min_value=Decimal("0.0001"),
        max_digits=17,
        help_text="Empty: what the units below cost; without units, all that is left.",
    )
    to = forms.ChoiceField(choices=_TO)
    reason = forms.CharField(max_length=300)

    def clean(self) -> dict[str, Any]:
        """Refuse an amount beside units: they say what goes back."""
        said: dict[str, Any] = super().clean() or {}
        units = {name.removeprefix(_UNITS): count for name, count in said.items() if name.startswith(_UNITS) and count}
        if said.get("amount") is not None and units:
            self.add_error("amount", "Give either an amount or units.")
        on_shelf = {name.removeprefix(_SHELF) for name, is_so in said.items() if name.startswith(_SHELF) and is_so}
        if on_shelf - units.keys():
            raise forms.ValidationError("Say how many units go back on the shelf.")
        return said


def with_lines(order: Order) -> type[RefundForm]:
    """Return the form with each line: how many units are paid back, and whether these go back on the shelf."""
    fields: dict[str, forms.Field] = {}
    for line in order.lines.order_by("position"):
        label = f"{line.sku}: {line.name}"
        fields[f"{_UNITS}{line.pk.hex}"] = forms.IntegerField(
            label=label, min_value=0, max_value=line.quantity, required=False, help_text=f"Of {line.quantity} units."
        )
        if line.shipped:
            fields[f"{_SHELF}{line.pk.hex}"] = forms.BooleanField(
                label=f"{line.sku}: back on the shelf", required=False
            )
    return type(RefundForm.__name__, (RefundForm,), fields)


def wish_of(said: dict[str, Any]) -> RefundOrder:
    """Return what such a form asks for."""
    items = [
        RefundItem(line=UUID(name.removeprefix(_UNITS)), quantity=count, restock=said.get(_shelf_of(name), False))
        for name, count in said.items()
        if name.startswith(_UNITS) and count
    ]
    return RefundOrder(
        amount=said["amount"],
        items=items,
        reason=said["reason"],
        to=RefundTo(said["to"]),
        request_key=said["request_key"],
    )


def _shelf_of(name: str) -> str:
    return name.replace(_UNITS, _SHELF, 1)
