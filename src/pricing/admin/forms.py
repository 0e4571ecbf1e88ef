"""Forms of shipping and tax: amounts and per cent as people write them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from core import money
from core.admin import StaffForm, dressed
from core.money import Money
from pricing.domain.shipping import ShippingKind
from pricing.errors import ShippingInvalid
from pricing.models import FreeShipping, ShippingRate, TaxRate
from pricing.services import RateData, known_tax_tables

_AMOUNT: dict[str, Any] = {"min_value": 0, "max_digits": 16, "decimal_places": 4}


class _Dressed(forms.ModelForm):  # type: ignore[type-arg]
    """Gives the fields that no column makes the theme's looks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.declared_fields:
            if name in self.fields:
                dressed(self.fields[name])

    @property
    def is_new(self) -> bool:
        return bool(self.instance._state.adding)  # noqa: SLF001 - Django's own way to ask


class _InCurrency(_Dressed):
    """A row with a currency and amounts in it."""

    amounts: tuple[str, ...] = ()

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"])
        if not money.is_currency(currency):
            raise forms.ValidationError("The currency is not in ISO 4217.")
        return currency

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        for name in self.amounts:
            try:
                if said.get("currency") and said.get(name) is not None:
                    money.to_minor(said[name], said["currency"])
            except money.NotMoney as error:
                self.add_error(name, str(error))
        return said

    def money_of(self, name: str) -> Money:
        """Return an amount that was given, or nothing of it."""
        currency = self.cleaned_data["currency"]
        return Money(money.to_minor(self.cleaned_data[name] or Decimal(0), currency), currency)


class RateForm(_InCurrency):
    """What a method costs in one currency, from there on."""

    begins = forms.DecimalField(required=False, label="From", help_text="Grams, or price of the goods.", **_AMOUNT)
    price = forms.DecimalField(**_AMOUNT)
    amounts = ("price",)

    class Meta:
        model = ShippingRate
        fields = ("currency",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_new:
            row: ShippingRate = self.instance
            is_by_price = row.method.kind == ShippingKind.PRICE.value
            begins = money.to_decimal(row.from_value, row.currency) if is_by_price else Decimal(row.from_value)
            self.initial.update(price=money.to_decimal(row.amount_minor, row.currency), begins=begins)

    def as_rate(self, kind: str) -> RateData:
        """Return the rate as a method of that kind has it.

        :raises ShippingInvalid: it begins where none of that kind does
        """
        price, begins = self.money_of("price"), self.cleaned_data["begins"] or Decimal(0)
        if kind == ShippingKind.PRICE.value:
            try:
                return RateData(price=price, from_price=self.money_of("begins"))
            except money.NotMoney as error:
                raise ShippingInvalid(str(error), field="rates") from error
        if begins != int(begins):
            raise ShippingInvalid("Grams are whole.", field="rates")
        is_by_weight = kind == ShippingKind.WEIGHT.value
        return RateData(price=price, from_weight_grams=int(begins) if is_by_weight or begins else None)


class FreeForm(_InCurrency):
    """From how much of goods on a method costs nothing."""

    amount = forms.DecimalField(label="Goods from", **_AMOUNT)
    amounts = ("amount",)

    class Meta:
        model = FreeShipping
        fields = ("currency",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_new:
            row: FreeShipping = self.instance
            self.initial["amount"] = money.to_decimal(row.from_minor, row.currency)


class TaxRateForm(_Dressed):
    """A tax rate, in per cent."""

    percent = forms.DecimalField(min_value=0, max_value=100, max_digits=7, decimal_places=4)

    class Meta:
        model = TaxRate
        fields = ("country", "region", "tax_class", "name", "valid_from", "valid_until")
        help_texts = {
            "country": "ISO 3166-1, such as DE.",
            "region": "ISO 3166-2, such as US-NY; empty for the whole country.",
            "tax_class": "As products have it: standard, reduced, zero…",
            "valid_until": "The last day. Empty: until further notice.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_new:
            self.initial["percent"] = Decimal(self.instance.rate_ppm).scaleb(-4).normalize()

    def _get_validation_exclusions(self) -> set[str]:
        # Whether the days are in order and free, the service knows; the database fails on a range that is not.
        return {
            *super()._get_validation_exclusions(),  # type: ignore[misc]
            "valid_until",
        }


class TableForm(StaffForm):
    """Which ready-made table is entered."""

    table = forms.ChoiceField(help_text="What is there stays as it is.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["table"].choices = list(known_tax_tables().items())  # type: ignore[attr-defined]
