"""Tax rates, in the back office."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from core.admin import ServiceAdmin
from pricing import services
from pricing.admin.forms import TableForm, TaxRateForm
from pricing.models import TaxRate

_PLACE = ("country", "region", "tax_class")
_REST = ("name", "percent", "valid_from", "valid_until")


@admin.register(TaxRate)
class TaxRateAdmin(ServiceAdmin):
    """Which tax holds where, for what, and when. A rate that changes is ended, and a new one entered."""

    form = TaxRateForm
    can_add = True
    can_change = True

    list_display = ("country", "region", "tax_class", "shown_percent", "name", "valid_from", "valid_until")
    list_display_links = ("country", "region", "tax_class")
    list_filter = ("tax_class", "country")
    search_fields = ("country", "region", "tax_class", "name")
    fields = (("country", "region"), ("tax_class", "name"), "percent", ("valid_from", "valid_until"))
    ordering = ("country", "region", "tax_class", "valid_from", "pk")
    actions_list = ("load_table",)
    actions_detail = ("remove",)

    @display(description="Per cent", ordering="rate_ppm")
    def shown_percent(self, row: TaxRate) -> str:
        return f"{Decimal(row.rate_ppm).scaleb(-4).normalize():f} %"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else _PLACE

    def write(self, *, request: HttpRequest, obj: Any, form: Any, formsets: Sequence[Any], is_new: bool) -> None:
        said = form.cleaned_data
        if is_new:
            data = services.TaxRateData(**{name: said[name] for name in (*_PLACE, *_REST)})
            obj.pk = services.create_tax_rate(data=data).pk
        else:
            changes = {name: said[name] for name in form.changed_data if name in _REST}
            services.update_tax_rate(rate_id=obj.pk, changes=changes)

    def has_load_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add")

    def has_remove_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "delete")

    @action(description="Enter a ready-made table", icon="playlist_add", url_path="load", permissions=["load"])
    def load_table(self, request: HttpRequest) -> HttpResponse:
        def load(said: dict[str, Any]) -> str:
            return f"{services.load_tax_table(name=said['table'])} rates entered."

        return self.ask(request, title="Enter a ready-made table", act=load, form=TableForm)

    @action(description="Delete", icon="delete", permissions=["remove"], variant=ActionVariant.DANGER)
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def delete(_: dict[str, Any]) -> str:
            services.delete_tax_rate(rate_id=row.pk)
            return f"{row} is gone."

        return self.ask_about_one(request, object_id, title="Delete", act=delete, back=self.list_url())
