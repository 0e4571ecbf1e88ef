"""Shipping zones and methods, in the back office."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from core.admin import ServiceAdmin, ServiceInline, ViewInline
from pricing import services
from pricing.admin.forms import FreeForm, RateForm
from pricing.models import FreeShipping, ShippingMethod, ShippingRate, ShippingZone

_ZONE_FIELDS = ("name", "countries", "regions")
_ZONE_HELP = {
    "countries": "ISO 3166, separated by commas: GB, IE. Without countries and regions: the rest of the world.",
    "regions": "ISO 3166-2, of countries that are not listed: US-NY, US-NJ.",
}
_METHOD_FIELDS = (
    "name",
    "kind",
    "tax_class",
    "min_days",
    "max_days",
    "max_weight_grams",
    "place",
    "position",
    "is_active",
)
_METHOD_HELP = {
    "code": "What carts and orders name it by. It stays.",
    "kind": "What the price goes by. Another kind needs other rates.",
    "tax_class": "As products have it: standard, reduced, zero…",
    "place": "Where it is collected.",
    "max_weight_grams": "What is heavier is not offered it. Empty: no limit.",
}


class _Helped(ServiceAdmin):
    """A table whose fields say what they take."""

    can_add = True
    can_change = True
    help: dict[str, str] = {}
    actions_detail = ("remove",)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name in self.help:
            field.help_text = self.help[db_field.name]
        return field

    def has_remove_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "delete")


class _Methods(ViewInline):
    model = ShippingMethod
    fields = ("name", "code", "kind", "min_days", "max_days", "position", "is_active")
    readonly_fields = fields
    ordering = ("position", "pk")
    show_change_link = True


@admin.register(ShippingZone)
class ShippingZoneAdmin(_Helped):
    """Where the shop sends to. The nearest zone holds: region, then country, then the rest of the world."""

    help = _ZONE_HELP
    list_display = ("name", "shown_countries", "shown_regions", "methods")
    search_fields = ("name",)
    fields = _ZONE_FIELDS
    ordering = ("name", "pk")
    inlines = (_Methods,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ShippingZone]:
        rows: QuerySet[ShippingZone] = super().get_queryset(request)
        return rows.annotate(method_count=Count("methods"))

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return () if obj is None else super().get_inlines(request, obj)

    @display(description="Countries")
    def shown_countries(self, row: ShippingZone) -> str:
        return ", ".join(row.countries) or ("-" if row.regions else "Rest of the world")

    @display(description="Regions")
    def shown_regions(self, row: ShippingZone) -> str:
        return ", ".join(row.regions) or "-"

    @display(description="Methods", ordering="method_count")
    def methods(self, row: Any) -> int:
        return int(row.method_count)

    def write(self, *, request: HttpRequest, obj: Any, form: Any, formsets: Sequence[Any], is_new: bool) -> None:
        said = {name: form.cleaned_data[name] for name in _ZONE_FIELDS}
        if is_new:
            obj.pk = services.create_zone(data=services.ZoneData(**said)).pk
        else:
            services.update_zone(zone_id=obj.pk, changes={name: said[name] for name in form.changed_data})

    @action(description="Delete", icon="delete", permissions=["remove"], variant=ActionVariant.DANGER)
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def delete(_: dict[str, Any]) -> str:
            services.delete_zone(zone_id=row.pk)
            return f"{row} is gone, with its methods."

        return self.ask_about_one(request, object_id, title="Delete", act=delete, back=self.list_url())


class _Rates(ServiceInline):
    model = ShippingRate
    form = RateForm
    fields = ("currency", "begins", "price")
    ordering = ("currency", "from_value")
    max_num = 200

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 1 if obj is None else 0


class _Free(ServiceInline):
    model = FreeShipping
    form = FreeForm
    fields = ("currency", "amount")
    ordering = ("currency",)
    max_num = 200


@admin.register(ShippingMethod)
class ShippingMethodAdmin(_Helped):
    """How the shop sends, and for how much."""

    help = _METHOD_HELP
    list_display = ("name", "zone", "code", "kind", "min_days", "max_days", "position", "is_active")
    list_filter = ("is_active", "kind", "zone")
    list_select_related = ("zone",)
    search_fields = ("name", "code")
    fields = (
        ("zone", "code"),
        ("name", "kind"),
        ("tax_class", "place"),
        ("min_days", "max_days"),
        ("max_weight_grams", "position"),
        "is_active",
    )
    ordering = ("zone__name", "position", "pk")
    inlines = (_Rates, _Free)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("zone", "code")

    def write(self, *, request: HttpRequest, obj: Any, form: Any, formsets: Sequence[Any], is_new: bool) -> None:
        said = {name: form.cleaned_data[name] for name in _METHOD_FIELDS}
        said["place"] = said["place"].code if said["place"] else None
        rates, free = (
            {formset.model: formset for formset in formsets}[model] for model in (ShippingRate, FreeShipping)
        )
        given: dict[str, Any] = {
            "rates": [each.as_rate(said["kind"]) for each in _kept(rates)],
            "free_from": [each.money_of("amount") for each in _kept(free)],
        }
        if is_new:
            place = {"zone": form.cleaned_data["zone"].pk, "code": form.cleaned_data["code"]}
            obj.pk = services.create_method(data=services.MethodData(**place, **said, **given)).pk
        else:
            changes = {name: said[name] for name in form.changed_data if name in said}
            services.update_method(method_id=obj.pk, changes={**changes, **given})

    @action(description="Delete", icon="delete", permissions=["remove"], variant=ActionVariant.DANGER)
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def delete(_: dict[str, Any]) -> str:
            services.delete_method(method_id=row.pk)
            return f"{row} is gone."

        return self.ask_about_one(request, object_id, title="Delete", act=delete, back=self.list_url())


def _kept(formset: Any) -> list[Any]:
    """Return the rows that are to be there afterwards."""
    rows = [*formset.initial_forms, *(each for each in formset.extra_forms if each.has_changed())]
    return [each for each in rows if each not in formset.deleted_forms]
