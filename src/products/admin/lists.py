"""Price lists, their prices, and what things cost before, in the back office."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from core.admin import ServiceAdmin, StaffForm, money_cell
from products import services
from products.domain import AmountGiven
from products.models import ListPrice, PriceList, PricePoint
from products.services import ListPriceLine, PriceListData

_FIELDS = ("name", "group", "market", "priority", "starts_at", "ends_at", "is_active")
_HELP = {
    "code": "Stands in addresses. It stays.",
    "currency": "ISO 4217, such as EUR. It stays.",
    "group": "Left empty: for everybody.",
    "market": "Left empty: in all markets with the currency.",
    "priority": "The highest list that has a variant decides; among equals the lower price.",
    "starts_at": "Left empty: at once.",
    "ends_at": "Left empty: until further notice.",
}


class ListPriceForm(StaffForm):
    """A price of a list."""

    sku = forms.CharField(label="SKU", max_length=64)
    min_quantity = forms.IntegerField(label="From so many on", min_value=1, max_value=10**6, initial=1)
    price = forms.DecimalField(
        required=False, min_value=0, max_digits=16, decimal_places=4, help_text="Left empty, the price goes."
    )


@admin.register(PriceList)
class PriceListAdmin(ServiceAdmin):
    """Price lists. A list keeps its code and its currency; its prices stand on a page of their own."""

    can_add = True
    can_change = True

    list_display = (
        "name",
        "code",
        "currency",
        "group",
        "market",
        "priority",
        "starts_at",
        "ends_at",
        "prices",
        "state",
    )
    list_filter = ("is_active", "currency", "group", "market")
    list_select_related = ("group", "market")
    search_fields = ("name", "code")
    fields = (
        ("name", "code"),
        ("currency", "priority"),
        ("group", "market"),
        ("starts_at", "ends_at"),
        "is_active",
    )
    ordering = ("code", "pk")
    actions_detail = ("show_prices", "set_price", "remove")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceList]:
        rows: QuerySet[PriceList] = super().get_queryset(request)
        return rows.annotate(price_count=Count("prices"))

    @display(description="Prices", ordering="price_count")
    def prices(self, row: Any) -> int:
        return int(row.price_count)

    @display(description="State", label={"holds": "success", "waits or ended": "warning", "off": "danger"})
    def state(self, row: PriceList) -> str:
        if not row.is_active:
            return "off"
        return "holds" if row.is_shown else "waits or ended"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name in _HELP:
            field.help_text = _HELP[db_field.name]
        return field

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("code", "currency")

    def write(self, *, request: HttpRequest, obj: Any, form: Any, formsets: Sequence[Any], is_new: bool) -> None:
        said = form.cleaned_data
        given = {name: said[name] for name in _FIELDS if name in said}
        given |= {name: given[name].code for name in ("group", "market") if given.get(name) is not None}
        if is_new:
            data = PriceListData(code=said["code"], currency=said["currency"], **given)
            obj.pk = services.create_price_list(data=data, at=timezone.now()).pk
        else:
            changes = {name: given[name] for name in form.changed_data if name in given}
            services.update_price_list(code=obj.code, changes=changes, at=timezone.now())

    def has_edit_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "change")

    def has_remove_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "delete")

    def has_prices_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("products.view_listprice"))

    @action(description="Prices", icon="sell", permissions=["prices"])
    def show_prices(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)
        query = {"price_list__id__exact": str(row.pk)}
        return HttpResponseRedirect(reverse("admin:products_listprice_changelist", query=query))

    @action(description="Set a price", icon="edit", permissions=["edit"])
    def set_price(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def set_it(said: dict[str, Any]) -> str:
            price = None if said["price"] is None else AmountGiven(amount=said["price"], currency=row.currency)
            line = ListPriceLine(sku=said["sku"], min_quantity=said["min_quantity"], price=price)
            services.set_list_prices(code=row.code, lines=[line], at=timezone.now())
            told = "has no price of its own" if price is None else f"costs {price.amount} {row.currency}"
            return f"{said['sku']} {told} from {said['min_quantity']} on."

        return self.ask_about_one(request, object_id, title="Set a price", act=set_it, form=ListPriceForm)

    @action(description="Delete", icon="delete", permissions=["remove"], variant=ActionVariant.DANGER)
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def delete(_: dict[str, Any]) -> str:
            services.delete_price_list(code=row.code, at=timezone.now())
            return f"The price list {row.name} is gone."

        return self.ask_about_one(request, object_id, title="Delete the price list", act=delete, back=self.list_url())


@admin.register(ListPrice)
class ListPriceAdmin(ServiceAdmin):
    """The prices of all lists, to look up; they are set on the list's page, or by the API."""

    list_display = ("sku", "product", "price_list", "min_quantity", "price")
    list_filter = ("price_list",)
    list_select_related = ("variant__product", "price_list")
    search_fields = ("variant__sku", "variant__product__name")
    ordering = ("variant", "min_quantity", "pk")

    @display(description="SKU")
    def sku(self, row: ListPrice) -> str:
        return row.variant.sku

    @display(description="Product")
    def product(self, row: ListPrice) -> str:
        return row.variant.product.name

    @display(description="Price", ordering="amount_minor")
    def price(self, row: ListPrice) -> str:
        return money_cell(row.amount_minor, row.price_list.currency)


@admin.register(PricePoint)
class PricePointAdmin(ServiceAdmin):
    """What things cost the public, and since when."""

    list_display = ("sku", "price", "market", "is_reduced", "from_at")
    list_filter = ("is_reduced", "currency")
    list_select_related = ("variant", "market")
    search_fields = ("variant__sku",)
    ordering = ("-pk",)

    @display(description="SKU")
    def sku(self, row: PricePoint) -> str:
        return row.variant.sku

    @display(description="Price", ordering="amount_minor")
    def price(self, row: PricePoint) -> str:
        return money_cell(row.amount_minor, row.currency)
