from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.fields import CurrencyField
from core.models import Entity


class Market(Entity):
    """A place to sell in: some countries, one currency, one language."""

    code = models.SlugField(max_length=20, unique=True)
    name = models.CharField(max_length=100)
    countries = ArrayField(models.CharField(max_length=2), default=list, blank=True)
    currency = CurrencyField()
    language = models.CharField(max_length=10, default="en")
    prices_include_tax = models.BooleanField(default=True)
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
