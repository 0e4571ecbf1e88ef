"""What staff type into forms of drafts and edits: lines of items, and addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pycountry
from django import forms

from accounts.domain import AddressData, phone_number
from core.money import to_text
from orders.services import ItemWish

if TYPE_CHECKING:
    from orders.models import DraftOrder, Order

# Room is counted: with any number of spaces, a line of nothing else would take minutes.
_LINE = re.compile(
    r"(?P<sku>.{1,64}?)\s{1,3}x\s{0,3}(?P<quantity>[0-9]{1,5})(?:\s{1,3}@\s{0,3}(?P<price>[0-9]{1,13}(\.[0-9]{1,4})?))?"
)
_PARTS = ("name", "line1", "line2", "city", "region", "postal_code", "country", "phone")
_NEEDED = ("name", "line1", "city", "country")
_LABELS = {"line1": "Address", "line2": "Address, second line"}
SHIP_TO = tuple(f"ship_{part}" for part in _PARTS)


class ItemsField(forms.CharField):
    """One item on each line, as ``MUG-BLUE x 2``, or ``MUG-BLUE x 2 @ 9.00`` at an agreed price."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", "One on each line: SKU x units, and @ price where one was agreed.")
        super().__init__(widget=forms.Textarea(attrs={"rows": 6}), **options)

    def clean(self, value: Any) -> list[ItemWish]:
        text = super().clean(value)
        found = []
        for line in filter(None, map(str.strip, text.splitlines())):
            read = _LINE.fullmatch(line)
            if read is None or not int(read["quantity"]):
                raise forms.ValidationError(f"“{line[:80]}” does not read like MUG-BLUE x 2 @ 9.00.")
            price = Decimal(read["price"]) if read["price"] else None
            found.append(ItemWish(sku=read["sku"], quantity=int(read["quantity"]), unit_price=price))
        return found


def _part(name: str, most: int) -> forms.CharField:
    label = _LABELS.get(name, name.replace("_", " ").capitalize())
    return forms.CharField(max_length=most, required=False, label=label)


def _countries() -> list[tuple[str, str]]:
    return [("", "-"), *sorted(((each.alpha_2, each.name) for each in pycountry.countries), key=lambda pair: pair[1])]


class AddressFields(forms.Form):
    """Where it goes: left out as a whole, or complete."""

    ship_name = _part("name", 100)
    ship_line1 = _part("line1", 200)
    ship_line2 = _part("line2", 200)
    ship_city = _part("city", 100)
    ship_region = _part("region", 100)
    ship_postal_code = _part("postal_code", 20)
    ship_country = forms.ChoiceField(choices=_countries, required=False, label="Country")
    ship_phone = _part("phone", 40)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        given = {part: said.get(f"ship_{part}", "") for part in _PARTS}
        said["shipping_address"] = None
        if any(given.values()):
            for part in _NEEDED:
                if not given[part]:
                    self.add_error(f"ship_{part}", "An address needs this.")
            try:
                phone = phone_number(given["phone"], country=given["country"]) if given["phone"] else ""
                said["shipping_address"] = AddressData(**(given | {"phone": phone}))
            except ValueError:
                self.add_error("ship_phone", "This is not a telephone number of that country.")
        return said


def draft_lines(*, draft: DraftOrder) -> str:
    """Return a draft's items as staff type them."""
    currency = draft.market.currency
    return "\n".join(
        f"{item['sku']} x {item['quantity']}"
        + ("" if item["unit_price_minor"] is None else f" @ {to_text(item['unit_price_minor'], currency)}")
        for item in draft.items
    )


def order_lines(*, order: Order) -> str:
    """Return an order's items as staff type them: they keep their prices."""
    return "\n".join(f"{line.sku} x {line.quantity}" for line in order.lines.order_by("position"))


def typed_address(address: Mapping[str, str] | None) -> dict[str, str]:
    """Return an address as the form's fields have it."""
    known = address or {}
    return {f"ship_{part}": known.get(part, "") for part in _PARTS}


def changed(said: Mapping[str, Any], before: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return what was said of these fields that is not as it was."""
    return {name: said[name] for name in names if said[name] != before[name]}
