from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.fields import CurrencyField
from core.models import Entity
from markets.domain import TaxRounding, new_version


class Market(Entity):
    """A place to sell in: some countries, one currency, one language."""

    code = models.SlugField(max_length=20, unique=True)
    name = models.CharField(max_length=100)
    countries = ArrayField(models.CharField(max_length=2), default=list, blank=True)
    currency = CurrencyField()
    language = models.CharField(max_length=10, default="en")
    prices_include_tax = models.BooleanField(default=True)
    # Whose tax the prices contain, and from where is sold; without one, the first of the countries.
    home_country = models.CharField(max_length=2, blank=True)
    tax_rounding = models.CharField(
        max_length=5, choices=[(r.value, r.value) for r in TaxRounding], default=TaxRounding.LINE.value
    )
    # Changes with every rule that prices carts: who holds rules of an older version reads them anew.
    rules_version = models.BigIntegerField(default=new_version, editable=False)
    is_default = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="market_one_default"),
            models.CheckConstraint(condition=Q(is_default=False) | Q(is_active=True), name="market_default_is_active"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="market_currency_iso"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def home(self) -> str:
        """The country from which is sold; empty where none is known."""
        return self.home_country or (self.countries[0] if self.countries else "")

    @property
    def rounding(self) -> TaxRounding:
        """Where tax is rounded."""
        return TaxRounding(self.tax_rounding)
