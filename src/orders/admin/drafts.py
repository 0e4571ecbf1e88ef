"""Orders that staff write, in the back office."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from core.admin import ServiceAdmin, dressed, money_cell, row_link, table
from orders import selectors, services
from orders.admin.wording import SHIP_TO, AddressFields, ItemsField, draft_lines, typed_address
from orders.domain import DraftStatus
from orders.models import DraftOrder
from pricing.domain import IN_WORDS, in_words

_COLOURS = {"open": "warning", "placed": "success", "cancelled": "danger"}
_SAID = ("name", "email", "shipping_method", "coupon", "vat_id", "note")


class DraftForm(AddressFields, forms.ModelForm):  # type: ignore[type-arg]
    """Who buys what, where it goes, and at which prices."""

    items = ItemsField(required=False)
    email = forms.EmailField(max_length=254, required=False, help_text="Without a customer.")
    vat_id = forms.CharField(max_length=20, required=False)

    class Meta:
        model = DraftOrder
        fields = ("market", "customer", "name", "shipping_method", "coupon", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("items", "email", "vat_id", *SHIP_TO):
            if name in self.fields:
                dressed(self.fields[name])
        draft: DraftOrder = self.instance
        if not draft._state.adding:  # noqa: SLF001 - Django's own way to ask
            self.initial.update(items=draft_lines(draft=draft), email=draft.email, vat_id=draft.vat_id)
            self.initial.update(typed_address(draft.shipping_address))

    def _post_clean(self) -> None:
        """Leave the row as it is: the command writes it."""


@admin.register(DraftOrder)
class DraftOrderAdmin(ServiceAdmin):
    """Orders that staff write: a price behind an @ was agreed, and no promotion changes it."""

    form = DraftForm
    can_add = True
    can_change = True

    list_display = ("shown_name", "shown_status", "customer", "market", "author", "created_at")
    list_filter = ("status", "created_at")
    list_select_related = ("market", "customer", "author")
    search_fields = ("name__icontains", "customer__email_key__of")
    autocomplete_fields = ("customer",)
    readonly_fields = ("shown_status", "shown_items", "shown_order", "price")
    ordering = ("-created_at", "-pk")
    actions_detail = ("place", "give_up")

    @display(description="Name")
    def shown_name(self, row: DraftOrder) -> str:
        return str(row)

    @display(description="Status", ordering="status", label=_COLOURS)
    def shown_status(self, row: DraftOrder) -> str:
        return row.status

    @display(description="Items")
    def shown_items(self, row: DraftOrder) -> SafeString | str:
        return format_html_join("", "{}<br>", ((line,) for line in draft_lines(draft=row).splitlines()))

    @display(description="Order")
    def shown_order(self, row: DraftOrder) -> SafeString | str:
        return row_link("order", str(row.order_id), words=row.order.number) if row.order else "-"

    @display(description="What it would cost now")
    def price(self, row: DraftOrder) -> SafeString | str:
        if row.status != DraftStatus.OPEN.value or not row.items:
            return "-"
        drawn = selectors.quote_draft(draft=row, at=timezone.now())
        quote = drawn.quote
        total = ("Total", "", money_cell(quote.total_minor, quote.currency), "", "")
        warnings = [("Mind", "", "", "", warning.message) for warning in drawn.view.warnings]
        return table(IN_WORDS, [*in_words(quote.priced.receipt, quote.currency), total, *warnings])

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            what = ("shown_status", ("market", "customer", "email"), "shown_items", ("coupon", "shipping_method"))
            return ((None, {"fields": (*what, "note", "price", "shown_order")}),)
        shown = () if obj is None else (("Price", {"fields": ("price",)}),)
        return (
            (None, {"fields": (("market", "name"), ("customer", "email"), "items")}),
            *shown,
            ("Ship to", {"fields": (SHIP_TO[:3], SHIP_TO[3:6], SHIP_TO[6:])}),
            ("More", {"fields": (("shipping_method", "coupon"), "vat_id", "note")}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.readonly_fields if obj is None else (*self.readonly_fields, "market")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_open = obj is None or obj.status == DraftStatus.OPEN.value
        return is_open and super().has_change_permission(request, obj)

    def write(self, *, request: HttpRequest, obj: Any, form: Any, formsets: Sequence[Any], is_new: bool) -> None:
        said = form.cleaned_data
        changes: Any = {name: said[name] for name in _SAID if is_new or name in form.changed_data}
        if is_new or "customer" in form.changed_data:
            changes["customer"] = said["customer"].pk if said["customer"] else None
        if is_new or "items" in form.changed_data:
            changes["items"] = said["items"]
        if is_new or set(SHIP_TO) & set(form.changed_data):
            changes["shipping_address"] = said["shipping_address"]
        if is_new:
            author: Any = request.user
            obj.pk = services.create_draft(market=said["market"].code, changes=changes, author=author).pk
        else:
            services.update_draft(draft_id=obj.pk, changes=changes)

    def has_place_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "change") and bool(request.user.has_perm("orders.add_order"))

    def has_give_up_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "delete")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """None for what is closed."""
        row = self.get_object(request, object_id)
        is_open = row is not None and row.status == DraftStatus.OPEN.value
        return super().get_actions_detail(request, object_id) if is_open else []

    @action(description="Place", icon="shopping_cart_checkout", permissions=["place"], variant=ActionVariant.PRIMARY)
    def place(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def make(_: dict[str, Any]) -> str:
            order = services.place_draft(draft_id=row.pk, actor=request.user, at=timezone.now())  # type: ignore[arg-type]
            return f"Order {order.number} is placed, and its buyer is mailed the link to pay it."

        return self.ask_about_one(request, object_id, title="Place", act=make)

    @action(description="Give up", icon="delete", permissions=["give_up"], variant=ActionVariant.DANGER)
    def give_up(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def cancel(_: dict[str, Any]) -> str:
            services.cancel_draft(draft_id=row.pk)
            return f"{row} is given up."

        return self.ask_about_one(request, object_id, title="Give up", act=cancel)
