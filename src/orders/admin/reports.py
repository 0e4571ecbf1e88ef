"""What reports of orders may be asked for."""

from __future__ import annotations

from django import forms

from core.admin import PeriodForm
from orders.domain import OrderStatus

_ALL = ("", "All")


class TaxForm(PeriodForm):
    """Of all markets, or of one."""

    market = forms.CharField(required=False, max_length=20, help_text="A market's code; empty for all.")


class OrdersForm(TaxForm):
    """Of all states, or of one."""

    status = forms.ChoiceField(required=False, choices=[_ALL, *((s.value, s.value) for s in OrderStatus)])
