"""Parcels, in the back office: what lies in them, how they go, and whether they arrived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.validators import URLValidator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from core.admin import ServiceAdmin, StaffForm, ViewInline, row_link
from core.ids import new_id
from orders import selectors, services
from orders.models import Fulfilment, FulfilmentLine, Order

_UNITS = "units_"


class TrackingForm(StaffForm):
    """How a parcel goes."""

    carrier = forms.CharField(max_length=60, required=False)
    tracking_number = forms.CharField(max_length=100, required=False)
    tracking_url = forms.CharField(
        max_length=500,
        required=False,
        validators=[URLValidator(schemes=["https", "http"])],
        label="Tracking link",
        help_text="Empty: made of the number, where the carrier is a well-known one.",
    )


class ShipForm(TrackingForm):
    """How a parcel goes, once, however often the page is sent."""

    request_key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64, initial=lambda: new_id().hex)


class CancelForm(StaffForm):
    """Why an order is cancelled, or a part of it."""

    reason = forms.CharField(max_length=300, help_text="The customer reads it, where all of it is cancelled.")
    is_kept = forms.BooleanField(
        required=False,
        label="Pay nothing back",
        help_text="For a part alone. What was paid for the whole of an order always goes back.",
    )


def with_units(form: type[StaffForm], order: Order) -> type[StaffForm]:
    """Return the form with a number of units for each line that still owes some; all of them unless staff say less."""
    fields = {
        f"{_UNITS}{line.pk.hex}": forms.IntegerField(
            label=f"{line.sku}: {line.name}", min_value=0, max_value=line.open, initial=line.open, required=False
        )
        for line in order.lines.order_by("position")
        if line.open
    }
    return type(form.__name__, (form,), fields)


def take_units(said: dict[str, Any]) -> dict[UUID, int] | None:
    """Take the units out of what such a form holds: line id -> units; ``None`` where all were left empty."""
    given = {name: said.pop(name) for name in list(said) if name.startswith(_UNITS)}
    if all(units is None for units in given.values()):
        return None
    return {UUID(name.removeprefix(_UNITS)): units for name, units in given.items() if units}


def link_cell(row: Fulfilment) -> SafeString | str:
    """Return where a parcel is followed, as a link."""
    if not row.link:
        return "-"
    return format_html('<a href="{}" rel="noreferrer" target="_blank" class="text-primary-600">follow</a>', row.link)


class ParcelInline(ViewInline):
    """An order's parcels."""

    model = Fulfilment
    verbose_name_plural = "parcels"
    fields = ("page", "carrier", "tracking_number", "followed", "shipped_at", "delivered_at")
    readonly_fields = fields
    ordering = ("shipped_at", "pk")

    @display(description="Parcel")
    def page(self, row: Fulfilment) -> SafeString | str:
        return row_link("fulfilment", str(row.pk))

    @display(description="Link")
    def followed(self, row: Fulfilment) -> SafeString | str:
        return link_cell(row)


class _Contents(ViewInline):
    model = FulfilmentLine
    verbose_name_plural = "contents"
    fields = ("sku", "name", "quantity")
    readonly_fields = fields
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[FulfilmentLine]:
        rows: QuerySet[FulfilmentLine] = super().get_queryset(request).select_related("line")
        return rows

    @display(description="SKU")
    def sku(self, row: FulfilmentLine) -> str:
        return row.line.sku

    @display(description="Name")
    def name(self, row: FulfilmentLine) -> str:
        return row.line.name


@admin.register(Fulfilment)
class FulfilmentAdmin(ServiceAdmin):
    """Parcels are made on the order's page; here they are corrected, and marked when they arrive."""

    list_display = ("order", "carrier", "tracking_number", "followed", "shipped_at", "delivered_at")
    list_filter = ("shipped_at", "delivered_at", "carrier")
    list_select_related = ("order",)
    search_fields = ("order__number__iexact", "tracking_number__iexact")
    fields = ("shown_order", "carrier", "tracking_number", "followed", "shipped_at", "delivered_at", "actor")
    readonly_fields = ("shown_order", "followed")
    ordering = ("-shipped_at", "-pk")
    inlines = (_Contents,)
    actions_detail = ("mark_arrived", "correct", "packing_slip")

    @display(description="Order")
    def shown_order(self, row: Fulfilment) -> SafeString | str:
        return row_link("order", str(row.order_id), words=row.order.number)

    @display(description="Link")
    def followed(self, row: Fulfilment) -> SafeString | str:
        return link_cell(row)

    def has_move_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("orders.move_order"))

    def has_pack_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "view") and bool(request.user.has_perm("orders.view_order"))

    @action(description="Mark delivered", icon="done_all", permissions=["move"], variant=ActionVariant.PRIMARY)
    def mark_arrived(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def arrive(_: Mapping[str, Any]) -> str:
            services.deliver_fulfilment(fulfilment_id=row.pk, actor=request.user, at=timezone.now())  # type: ignore[arg-type]
            return "The parcel was delivered."

        return self.ask_about_one(request, object_id, title="Mark delivered", act=arrive)

    @action(description="Correct", icon="edit", permissions=["move"])
    def correct(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def change(said: Mapping[str, Any]) -> str:
            services.update_fulfilment(
                fulfilment_id=row.pk,
                change=services.ParcelChange(**said),
                actor=request.user,  # type: ignore[arg-type]
            )
            return "The parcel was corrected."

        now = {name: getattr(row, name) for name in ("carrier", "tracking_number", "tracking_url")}
        return self.ask_about_one(
            request, object_id, title="Correct the parcel", act=change, form=TrackingForm, initial=now
        )

    @action(description="Packing slip", icon="picture_as_pdf", permissions=["pack"])
    def packing_slip(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)
        slip = selectors.packing_slip(order_id=row.order_id, fulfilment_id=row.pk)
        headers = {"Content-Disposition": 'attachment; filename="packing-slip.pdf"'}
        return HttpResponse(slip, content_type="application/pdf", headers=headers)
