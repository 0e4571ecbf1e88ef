"""Shipping and tax as they are sent and received."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from core import money
from core.api.fields import AmountField, BooleanField, DateField, IdField, IntegerField, MoneyField, TextField
from core.api.pages import PageQuery
from core.api.serializers import Input
from pricing.domain.shipping import ShippingKind
from pricing.domain.taxes import STANDARD
from pricing.services import RateData

if TYPE_CHECKING:
    from pricing.models import ShippingMethod, ShippingRate, ShippingZone, TaxRate

_SLUG = RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*$", "Lower-case letters and digits, with hyphens between them.")
_COUNTRY = RegexValidator(r"^[A-Z]{2}$", "Two capital letters (ISO 3166-1).")
_REGION = RegexValidator(r"^[A-Z]{2}-[A-Z0-9]{1,3}$", "A country and its part, such as US-NY (ISO 3166-2).")
_KINDS = [kind.value for kind in ShippingKind]
# ISO 3166-1 has 249 entries, ISO 3166-2 about 5,000.
_MAX_PLACES = 500
_MAX_RATES = 200
_MAX_GRAMS = 100_000_000
_MAX_DAYS = 365
_DECIMALS = Decimal(1).scaleb(4)


def _countries() -> serializers.ListField:
    child = TextField(max_length=2, validators=[_COUNTRY])
    return serializers.ListField(child=child, required=False, max_length=_MAX_PLACES, help_text="ISO 3166-1 alpha-2.")


def _regions() -> serializers.ListField:
    child = TextField(max_length=6, validators=[_REGION])
    return serializers.ListField(
        child=child, required=False, max_length=_MAX_PLACES, help_text="ISO 3166-2, of countries that are not listed."
    )


class ZoneChanges(Input):
    """What is to change of a zone."""

    name = TextField(max_length=100, required=False)
    countries = _countries()
    regions = _regions()


class ZoneInput(ZoneChanges):
    """A new zone. With neither countries nor regions it is the rest of the world."""

    name = TextField(max_length=100)


class RateInput(Input):
    """What a method costs from there on."""

    price = MoneyField()
    from_weight_grams = IntegerField(min_value=0, max_value=_MAX_GRAMS, required=False, help_text="Kind `weight` only.")
    from_price = MoneyField(required=False, help_text="Of the goods; kind `price` only.")

    def validate(self, attrs: dict[str, Any]) -> RateData:
        return RateData(**attrs)


class MethodChanges(Input):
    """What is to change of a method. Its zone and code stay; rates and free amounts are replaced as a whole."""

    name = TextField(max_length=100, required=False)
    kind = serializers.ChoiceField(choices=_KINDS, required=False, help_text="Another kind needs other `rates`.")
    rates = RateInput(many=True, required=False, allow_empty=False, max_length=_MAX_RATES)  # type: ignore[call-arg]
    free_from = serializers.ListField(
        child=MoneyField(), required=False, max_length=_MAX_RATES, help_text="One amount of goods in each currency."
    )
    tax_class = TextField(max_length=40, validators=[_SLUG], required=False)
    min_days = IntegerField(min_value=0, max_value=_MAX_DAYS, required=False)
    max_days = IntegerField(min_value=0, max_value=_MAX_DAYS, required=False)
    max_weight_grams = IntegerField(min_value=1, max_value=_MAX_GRAMS, required=False, allow_null=True)
    place = TextField(
        max_length=40, required=False, allow_null=True, help_text="Where it is collected: a place's code."
    )
    position = IntegerField(min_value=0, required=False)
    is_active = BooleanField(required=False)


class MethodInput(MethodChanges):
    """A new method."""

    zone = IdField()
    code = TextField(max_length=40, validators=[_SLUG])
    name = TextField(max_length=100)
    kind = serializers.ChoiceField(choices=_KINDS)
    rates = RateInput(many=True, allow_empty=False, max_length=_MAX_RATES)  # type: ignore[call-arg]


class MethodQuery(PageQuery):
    """Of which zone, and which page."""

    zone = IdField(required=False)


class TaxRateChanges(Input):
    """What is to change of a tax rate. Its place and class stay."""

    name = TextField(max_length=40, required=False)
    percent = AmountField(required=False, help_text="From 0 to 100.")
    valid_from = DateField(required=False)
    valid_until = DateField(required=False, allow_null=True, help_text="The last day; null for no end.")


class TaxRateInput(TaxRateChanges):
    """A new tax rate."""

    country = TextField(max_length=2, validators=[_COUNTRY], help_text="ISO 3166-1 alpha-2.")
    region = TextField(max_length=6, validators=[_REGION], required=False, help_text="ISO 3166-2; for a part only.")
    tax_class = TextField(max_length=40, validators=[_SLUG], default=STANDARD)
    name = TextField(max_length=40)
    percent = AmountField(help_text="From 0 to 100.")
    valid_from = DateField()


class TaxRateQuery(PageQuery):
    """Which rates, and which page."""

    country = TextField(max_length=2, validators=[_COUNTRY], required=False)
    region = TextField(max_length=6, validators=[_REGION], required=False)
    tax_class = TextField(max_length=40, validators=[_SLUG], required=False)
    on = DateField(required=False, help_text="What holds on that day.")


class ZoneOutput(serializers.Serializer[Any]):
    """A shipping zone."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    countries = serializers.ListField(child=serializers.CharField())
    regions = serializers.ListField(child=serializers.CharField())


class RateOutput(serializers.Serializer[Any]):
    """What a method costs from there on."""

    price = MoneyField()
    from_weight_grams = serializers.IntegerField(required=False)
    from_price = MoneyField(required=False)


class MethodOutput(serializers.Serializer[Any]):
    """A shipping method."""

    id = serializers.UUIDField()
    zone = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=_KINDS)
    rates = RateOutput(many=True)
    free_from = serializers.ListField(child=MoneyField())
    tax_class = serializers.CharField()
    min_days = serializers.IntegerField()
    max_days = serializers.IntegerField()
    max_weight_grams = serializers.IntegerField(allow_null=True)
    place = serializers.CharField(allow_null=True)
    position = serializers.IntegerField()
    is_active = serializers.BooleanField()


class TaxRateOutput(serializers.Serializer[Any]):
    """A tax rate."""

    id = serializers.UUIDField()
    country = serializers.CharField()
    region = serializers.CharField(allow_blank=True)
    tax_class = serializers.CharField()
    name = serializers.CharField()
    percent = serializers.CharField()
    valid_from = serializers.DateField()
    valid_until = serializers.DateField(allow_null=True)


class _PageOutput(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    next_cursor = serializers.CharField(required=False)


class ZonePage(_PageOutput):
    """A page of zones."""

    results = ZoneOutput(many=True)


class MethodPage(_PageOutput):
    """A page of methods."""

    results = MethodOutput(many=True)


class TaxRatePage(_PageOutput):
    """A page of tax rates."""

    results = TaxRateOutput(many=True)


def zone_document(zone: ShippingZone) -> dict[str, Any]:
    """Return the zone as it is sent."""
    return {"id": zone.pk, "name": zone.name, "countries": zone.countries, "regions": zone.regions}


def method_document(method: ShippingMethod) -> dict[str, Any]:
    """Return the method as it is sent; its rates by currency, from the lowest on."""
    rates = sorted(method.rates.all(), key=lambda rate: (rate.currency, rate.from_value))
    free = sorted(method.free_from.all(), key=lambda each: each.currency)
    return {
        "id": method.pk,
        "zone": method.zone_id,
        "code": method.code,
        "name": method.name,
        "kind": method.kind,
        "rates": [_rate(method, rate) for rate in rates],
        "free_from": [money.as_document(each.from_minor, each.currency) for each in free],
        "tax_class": method.tax_class,
        "min_days": method.min_days,
        "max_days": method.max_days,
        "max_weight_grams": method.max_weight_grams,
        "place": method.place.code if method.place else None,
        "position": method.position,
        "is_active": method.is_active,
    }


def _rate(method: ShippingMethod, rate: ShippingRate) -> dict[str, Any]:
    document: dict[str, Any] = {"price": money.as_document(rate.amount_minor, rate.currency)}
    if method.kind == ShippingKind.WEIGHT.value:
        document["from_weight_grams"] = rate.from_value
    elif method.kind == ShippingKind.PRICE.value:
        document["from_price"] = money.as_document(rate.from_value, rate.currency)
    return document


def tax_rate_document(rate: TaxRate) -> dict[str, Any]:
    """Return the tax rate as it is sent."""
    return {
        "id": rate.pk,
        "country": rate.country,
        "region": rate.region,
        "tax_class": rate.tax_class,
        "name": rate.name,
        "percent": f"{(rate.rate_ppm / _DECIMALS).normalize():f}",
        "valid_from": rate.valid_from,
        "valid_until": rate.valid_until,
    }
