"""Returns, in the back office: what staff see of them and do about them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from core.admin import ServiceAdmin, StaffForm, ViewInline, as_words, money_cell, row_link
from orders import services
from orders.domain import Resolution, ReturnStatus, may_move_return
from orders.models import Return, ReturnLine, ReturnPicture

_COLOURS = {
    "requested": "warning",
    "approved": "info",
    "received": "info",
    "completed": "success",
    "rejected": "danger",
    "cancelled": "danger",
}
_OPEN_FOR = {
    "approve": ReturnStatus.APPROVED,
    "reject": ReturnStatus.REJECTED,
    "receive": ReturnStatus.RECEIVED,
    "settle": ReturnStatus.COMPLETED,
    "call_off": ReturnStatus.CANCELLED,
}


class ApproveForm(StaffForm):
    """What the customer is told."""

    answer = forms.CharField(
        max_length=500, required=False, widget=forms.Textarea, help_text="Where to send it. The customer reads it."
    )


class RejectForm(StaffForm):
    """Why not."""

    answer = forms.CharField(max_length=500, widget=forms.Textarea, help_text="Why not. The customer reads it.")


class SettleForm(StaffForm):
    """What is done about it."""

    resolution = forms.ChoiceField(
        required=False,
        choices=[("", "As the customer wants"), *((each.value, as_words(each.value)) for each in Resolution)],
    )
    deduction = forms.DecimalField(
        required=False, min_value=Decimal(0), max_digits=17, help_text="What is kept of its worth, such as for wear."
    )
    with_delivery = forms.TypedChoiceField(
        required=False,
        label="Delivery",
        choices=[("", "Paid back where the whole order was withdrawn from"), ("yes", "Paid back"), ("no", "Kept")],
        coerce=lambda said: said == "yes",
        empty_value=None,
    )


class _Lines(ViewInline):
    model = ReturnLine
    fields = ("sku", "name", "quantity", "shown_reason", "wanted", "received", "accepted", "restocked", "condition")
    readonly_fields = fields
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReturnLine]:
        rows: QuerySet[ReturnLine] = super().get_queryset(request).select_related("line", "wanted_variant")
        return rows

    def sku(self, row: ReturnLine) -> str:
        return row.line.sku

    def name(self, row: ReturnLine) -> str:
        return row.line.name

    @display(description="Reason")
    def shown_reason(self, row: ReturnLine) -> str:
        return as_words(row.reason)

    def wanted(self, row: ReturnLine) -> str:
        return row.wanted_variant.sku if row.wanted_variant else "-"


@admin.register(Return)
class ReturnAdmin(ServiceAdmin):
    """Returns change by the buttons that their state allows."""

    list_display = ("shown_order", "shown_status", "wanted", "is_withdrawn", "requested_at")
    list_filter = ("status", "wanted", "requested_at")
    list_select_related = ("order", "withdrawal")
    search_fields = ("order__number__iexact", "order__email_key__of", "lines__line__sku__iexact")
    fields = (
        ("order_link", "shown_status", "wanted"),
        ("is_withdrawn", "requested_at", "closed_at"),
        ("note", "answer"),
        "shown_pictures",
        ("settled_as", "worth", "delivery", "deduction"),
        ("refund", "replacement"),
    )
    readonly_fields = (
        *("order_link", "shown_status", "is_withdrawn", "shown_pictures"),
        *("worth", "delivery", "deduction", "refund", "replacement"),
    )
    ordering = ("-requested_at", "-pk")
    inlines = (_Lines,)
    actions_detail = ("approve", "reject", "receive", "settle", "call_off")

    @display(description="Order", ordering="order__number")
    def shown_order(self, row: Return) -> str:
        return row.order.number

    @display(description="Order")
    def order_link(self, row: Return) -> SafeString | str:
        return row_link("order", str(row.order_id), words=row.order.number)

    @display(description="Status", ordering="status", label=_COLOURS)
    def shown_status(self, row: Return) -> str:
        return row.status

    @display(description="Withdrawal", boolean=True)
    def is_withdrawn(self, row: Return) -> bool:
        return hasattr(row, "withdrawal")

    def worth(self, row: Return) -> str:
        return money_cell(row.worth_minor, row.order.currency)

    def delivery(self, row: Return) -> str:
        return money_cell(row.delivery_minor, row.order.currency)

    def deduction(self, row: Return) -> str:
        return money_cell(row.deduction_minor, row.order.currency)

    def refund(self, row: Return) -> SafeString | str:
        return row_link("refund", str(row.refund_id or ""))

    @display(description="Replaced by")
    def replacement(self, row: Return) -> SafeString | str:
        return row_link("order", str(row.exchange_order_id or ""))

    @display(description="Pictures")
    def shown_pictures(self, row: Return) -> SafeString | str:
        urls = (
            (reverse("admin:orders_return_picture", args=[row.pk, picture.pk]),)
            for picture in row.pictures.order_by("pk")
        )
        return format_html_join(" ", '<img src="{}" alt="" width="160" loading="lazy">', urls) or "-"

    def get_urls(self) -> list[Any]:
        shown = self.admin_site.admin_view(self.picture_view)
        name = "orders_return_picture"
        return [path("<uuid:object_id>/pictures/<uuid:picture_id>", shown, name=name), *super().get_urls()]

    def picture_view(self, request: HttpRequest, object_id: UUID, picture_id: UUID) -> HttpResponse:
        """Show a picture to who may see the return."""
        found = ReturnPicture.objects.filter(pk=picture_id, back=object_id).first()
        if found is None or not self.may(request, "view"):
            raise Http404
        headers = {"Cache-Control": "private, no-store"}
        return HttpResponse(found.file.read(), content_type=found.content_type, headers=headers)

    def has_handle_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "handle")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only what the return may do from where it stands."""
        offered = super().get_actions_detail(request, object_id)
        row = self.get_object(request, object_id)
        if row is None:
            return []
        here = ReturnStatus(row.status)
        return [
            each
            for each in offered
            if may_move_return(here, _OPEN_FOR[each.action_name.partition("orders_return_")[2]])
        ]

    @action(description="Approve", icon="check", permissions=["handle"], variant=ActionVariant.PRIMARY)
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def approve(said: dict[str, Any]) -> str:
            services.approve_return(return_id=row.pk, answer=said["answer"], at=timezone.now())
            return "The return is approved."

        return self.ask_about_one(request, object_id, title="Approve", act=approve, form=ApproveForm)

    @action(description="Reject", icon="block", permissions=["handle"], variant=ActionVariant.DANGER)
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def reject(said: dict[str, Any]) -> str:
            services.reject_return(return_id=row.pk, answer=said["answer"], at=timezone.now())
            return "The return is rejected."

        return self.ask_about_one(request, object_id, title="Reject", act=reject, form=RejectForm)

    @action(description="Receive", icon="inventory", permissions=["handle"], variant=ActionVariant.PRIMARY)
    def receive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)
        lines = _lines_of(row)

        def receive(said: dict[str, Any]) -> str:
            units = {line.line_id: said[f"units_{line.pk}"] for line in lines}
            services.receive_return(return_id=row.pk, units=_unless_empty(units), at=timezone.now())
            return "The goods are here."

        form = _with_fields(StaffForm, {f"units_{line.pk}": _units(line, "came", line.quantity) for line in lines})
        return self.ask_about_one(request, object_id, title="Receive", act=receive, form=form)

    @action(description="Settle", icon="price_check", permissions=["handle"], variant=ActionVariant.PRIMARY)
    def settle(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)
        lines = _lines_of(row)

        def settle(said: dict[str, Any]) -> str:
            wish = services.Settlement(
                items={line.line_id: _inspected(line, said) for line in lines},
                resolution=Resolution(said["resolution"]) if said["resolution"] else None,
                deduction=said["deduction"] or Decimal(0),
                with_delivery=said["with_delivery"],
            )
            settled = services.settle_return(
                return_id=row.pk,
                wish=wish,
                actor=request.user,  # type: ignore[arg-type]
                at=timezone.now(),
            )
            given = settled.worth_minor + settled.delivery_minor - settled.deduction_minor
            return f"Settled: {as_words(settled.settled_as)}, {money_cell(given, settled.order.currency)}."

        fields: dict[str, forms.Field] = {}
        for line in lines:
            fields[f"accepted_{line.pk}"] = _units(line, "taken back", line.received)
            fields[f"restocked_{line.pk}"] = _units(line, "back on the shelf", line.received, initial=0)
            fields[f"condition_{line.pk}"] = forms.CharField(
                max_length=300, required=False, label=f"{line.line.sku}: condition"
            )
        form = _with_fields(SettleForm, fields)
        return self.ask_about_one(request, object_id, title="Settle", act=settle, form=form)

    @action(description="Call off", icon="cancel", permissions=["handle"], variant=ActionVariant.DANGER)
    def call_off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def call_off(_: dict[str, Any]) -> str:
            asker = services.Asker(viewer=request.user)  # type: ignore[arg-type]
            services.cancel_return(return_id=row.pk, asker=asker, at=timezone.now())
            return "The return is called off."

        return self.ask_about_one(request, object_id, title="Call off", act=call_off)


def _lines_of(row: Return) -> list[ReturnLine]:
    return list(row.lines.select_related("line").order_by("line__position"))


def _with_fields(form: type[StaffForm], fields: Mapping[str, forms.Field]) -> type[StaffForm]:
    return type(form.__name__, (form,), dict(fields))


def _units(line: ReturnLine, what: str, most: int, *, initial: int | None = None) -> forms.IntegerField:
    return forms.IntegerField(
        required=False,
        min_value=0,
        max_value=most,
        initial=most if initial is None else initial,
        label=f"{line.line.sku}: {what}",
    )


def _unless_empty(units: Mapping[UUID, int | None]) -> dict[UUID, int] | None:
    if all(count is None for count in units.values()):
        return None
    return {line_id: count or 0 for line_id, count in units.items()}


def _inspected(line: ReturnLine, said: Mapping[str, Any]) -> services.Inspected:
    accepted = said[f"accepted_{line.pk}"]
    return services.Inspected(
        accepted=line.received if accepted is None else accepted,
        restocked=said[f"restocked_{line.pk}"] or 0,
        condition=said[f"condition_{line.pk}"],
    )
