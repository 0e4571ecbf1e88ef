from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from core.fields import CurrencyField
from core.models import Entity
from pricing.domain.shipping import ShippingKind
from pricing.domain.taxes import STANDARD, WHOLE


class ShippingZone(Entity):
    """Where some methods go: countries and regions; with neither, wherever no other zone is."""

    name = models.CharField(max_length=100, unique=True)
    countries = ArrayField(models.CharField(max_length=2), default=list, blank=True)
    regions = ArrayField(models.CharField(max_length=6), default=list, blank=True)

    def __str__(self) -> str:
        return self.name


class ShippingMethod(Entity):
    """A way to send something to a zone, or to have it collected at a place."""

    zone = models.ForeignKey(ShippingZone, on_delete=models.CASCADE, related_name="methods")
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=100)
    kind = models.CharField(
        max_length=10, choices=[(k.value, k.value) for k in ShippingKind], default=ShippingKind.FLAT.value
    )
    tax_class = models.SlugField(max_length=40, default=STANDARD)
    min_days = models.PositiveSmallIntegerField(default=0)
    max_days = models.PositiveSmallIntegerField(default=0)
    max_weight_grams = models.PositiveIntegerField(null=True, blank=True)
    place = models.ForeignKey("inventory.Place", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["zone", "code"], name="shipping_method_code_in_zone"),
            models.CheckConstraint(condition=Q(max_days__gte=F("min_days")), name="shipping_method_days_in_order"),
            models.CheckConstraint(
                condition=Q(place__isnull=True) | Q(kind=ShippingKind.COLLECT.value),
                name="shipping_method_place_to_collect",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ShippingRate(Entity):
    """What a method costs in one currency, from so many grams or so much of goods on (0 for flat ones)."""

    method = models.ForeignKey(ShippingMethod, on_delete=models.CASCADE, related_name="rates")
    currency = CurrencyField()
    from_value = models.BigIntegerField(default=0)
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["method", "currency", "from_value"], name="shipping_rate_step"),
            models.CheckConstraint(
                condition=Q(from_value__gte=0, amount_minor__gte=0), name="shipping_rate_not_negative"
            ),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="shipping_rate_currency_iso"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency}"


class FreeShipping(Entity):
    """From how much of goods on a method costs nothing, in one currency."""

    method = models.ForeignKey(ShippingMethod, on_delete=models.CASCADE, related_name="free_from")
    currency = CurrencyField()
    from_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["method", "currency"], name="free_shipping_per_currency"),
            models.CheckConstraint(condition=Q(from_minor__gte=0), name="free_shipping_not_negative"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="free_shipping_currency_iso"),
        ]

    def __str__(self) -> str:
        return f"{self.from_minor} {self.currency}"


class TaxRate(Entity):
    """A rate of tax for one class of goods, in a country or a part of it, on some days (both ends included)."""

    country = models.CharField(max_length=2)
    region = models.CharField(max_length=6, blank=True)
    tax_class = models.SlugField(max_length=40, default=STANDARD)
    name = models.CharField(max_length=40)
    rate_ppm = models.PositiveIntegerField()
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(rate_ppm__lte=WHOLE), name="tax_rate_at_most_whole"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="tax_rate_days_in_order",
            ),
            models.CheckConstraint(condition=Q(country__regex=r"^[A-Z]{2}$"), name="tax_rate_country_iso"),
            ExclusionConstraint(
                name="tax_rates_do_not_overlap",
                expressions=[
                    ("country", RangeOperators.EQUAL),
                    ("region", RangeOperators.EQUAL),
                    ("tax_class", RangeOperators.EQUAL),
                    (
                        Func(
                            "valid_from",
                            "valid_until",
                            RangeBoundary(inclusive_upper=True),
                            function="DATERANGE",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.country} {self.region}".strip()
