"""Markets as they are sent and received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from core.api.fields import BooleanField, TextField
from core.api.pages import PageQuery
from core.api.serializers import Input
from markets.domain import TaxRounding

if TYPE_CHECKING:
    from markets.models import Market

_CODE = RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*$", "Lower-case letters and digits, with hyphens between them.")
_CURRENCY = RegexValidator(r"^[A-Z]{3}$", "Three capital letters (ISO 4217).")
_COUNTRY = RegexValidator(r"^[A-Z]{2}$", "Two capital letters (ISO 3166-1).")
# ISO 3166-1 has 249 entries.
_MAX_COUNTRIES = 300


class MarketQuery(PageQuery):
    """Which page."""


class MarketChanges(Input):
    """What is to change. The code and the currency are for ever."""

    name = TextField(max_length=100, required=False)
    countries = serializers.ListField(
        child=TextField(max_length=2, validators=[_COUNTRY]),
        required=False,
        max_length=_MAX_COUNTRIES,
        help_text="ISO 3166-1 alpha-2.",
    )
    language = TextField(max_length=10, required=False, help_text="BCP 47, such as `en` or `pt-BR`.")
    prices_include_tax = BooleanField(required=False)
    home_country = TextField(
        max_length=2,
        validators=[_COUNTRY],
        required=False,
        allow_blank=True,
        help_text="From where is sold, and whose tax the prices contain; if empty, the first of the countries.",
    )
    tax_rounding = serializers.ChoiceField(
        choices=[each.value for each in TaxRounding],
        required=False,
        help_text="Whether tax is rounded on each line or on the sum of each rate.",
    )
    is_active = BooleanField(required=False, help_text="The default market stays open.")


class MarketInput(MarketChanges):
    """A new market."""

    code = TextField(max_length=20, validators=[_CODE])
    name = TextField(max_length=100)
    currency = TextField(max_length=3, validators=[_CURRENCY], help_text="ISO 4217.")


class MarketOutput(serializers.Serializer):  # type: ignore[type-arg]
    """A market."""

    code = serializers.CharField()
    name = serializers.CharField()
    countries = serializers.ListField(child=serializers.CharField())
    currency = serializers.CharField()
    language = serializers.CharField()
    prices_include_tax = serializers.BooleanField()
    home_country = serializers.CharField(allow_blank=True)
    tax_rounding = serializers.ChoiceField(choices=[each.value for each in TaxRounding])
    is_default = serializers.BooleanField()
    is_active = serializers.BooleanField()


class MarketPage(serializers.Serializer):  # type: ignore[type-arg]
    """A page of markets."""

    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = MarketOutput(many=True)
    next_cursor = serializers.CharField(required=False)


def market_document(market: Market) -> dict[str, Any]:
    """Return the market as it is sent."""
    return {
        "code": market.code,
        "name": market.name,
        "countries": market.countries,
        "currency": market.currency,
        "language": market.language,
        "prices_include_tax": market.prices_include_tax,
        "home_country": market.home_country,
        "tax_rounding": market.tax_rounding,
        "is_default": market.is_default,
        "is_active": market.is_active,
    }
