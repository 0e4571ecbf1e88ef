"""Where we sell, in the back office."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display

from core.admin import ServiceAdmin
from markets import services
from markets.models import Market

_FIELDS = (
    "code",
    "name",
    "currency",
    "countries",
    "language",
    "prices_include_tax",
    "home_country",
    "tax_rounding",
    "is_active",
)
_HELP = {
    "code": "Stands in addresses: ?market=code. It stays.",
    "currency": "ISO 4217, such as EUR. It stays.",
    "countries": "ISO 3166, separated by commas: DE, AT.",
    "language": "Such as en or de.",
    "prices_include_tax": "Whether prices are shown with tax.",
    "home_country": "From where is sold, and whose tax the prices contain. Empty: the first of the countries.",
    "tax_rounding": "Whether tax is rounded on each line, or on the sum of each rate.",
    "is_active": "Whether anything is sold there.",
}


@admin.register(Market)
class MarketAdmin(ServiceAdmin):
    """Markets. A market keeps its code and its currency."""

    can_add = True
    can_change = True

    list_display = ("name", "code", "currency", "shown_countries", "language", "is_default", "is_active")
    list_filter = ("is_active", "currency")
    search_fields = ("name", "code")
    fields = (*_FIELDS, "is_default")
    ordering = ("code", "pk")

    @display(description="Countries")
    def shown_countries(self, row: Market) -> str:
        return ", ".join(row.countries)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name in _HELP:
            field.help_text = _HELP[db_field.name]
            field.widget.attrs["rows"] = 2
        return field

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("is_default",) if obj is None else ("is_default", "code", "currency")

    def write(self, *, request: HttpRequest, obj: Any, form: Any, formsets: Sequence[Any], is_new: bool) -> None:
        given = {name: form.cleaned_data[name] for name in _FIELDS if name in form.cleaned_data}
        if is_new:
            obj.pk = services.create_market(data=services.MarketData(**given), at=timezone.now()).pk
        else:
            changes = {name: given[name] for name in form.changed_data if name in given}
            services.update_market(code=obj.code, changes=changes, at=timezone.now())
