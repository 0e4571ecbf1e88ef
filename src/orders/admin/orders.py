"""Orders, in the back office: what was bought, how far it came, and what staff do about it."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from import_export.fields import Field
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from core import money
from core.admin import Exported, SafeResource, StaffForm, ViewInline, as_words, money_cell, table
from core.admin.base import ids_of
from orders import selectors, services
from orders.admin.editing import OrderEditing
from orders.admin.parcels import CancelForm, ParcelInline, ShipForm, take_units, with_units
from orders.admin.refunding import wish_of, with_lines
from orders.domain import OrderStatus, may_move
from orders.models import Order, OrderLine, OrderMove, OrderNote
from payments import selectors as payment_reads
from pricing.domain import IN_WORDS, in_words

_COLOURS = {"pending": "warning", "paid": "info", "shipped": "info", "delivered": "success", "cancelled": "danger"}
_TARGETS = [(status.value, status.value.capitalize()) for status in OrderStatus if status is not OrderStatus.PENDING]


class MoveForm(StaffForm):
    """Where several orders go."""

    to = forms.ChoiceField(choices=_TARGETS, label="Move to")
    reason = forms.CharField(max_length=300, required=False, help_text="The customers read it.")


class NoteForm(StaffForm):
    """What staff want each other to know."""

    text = forms.CharField(max_length=5000, widget=forms.Textarea, help_text="Never shown to the customer.")


class _Lines(ViewInline):
    model = OrderLine
    fields = (
        *("sku", "name", "shown_options", "quantity", "unit_price", "subtotal"),
        *("shipped", "cancelled", "returned"),
    )
    readonly_fields = fields
    ordering = ("position",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderLine]:
        rows: QuerySet[OrderLine] = super().get_queryset(request).select_related("order")
        return rows

    @display(description="Options")
    def shown_options(self, row: OrderLine) -> str:
        return ", ".join(f"{name}: {value}" for name, value in row.options.items())

    @display(description="Unit price")
    def unit_price(self, row: OrderLine) -> str:
        return money_cell(row.unit_price_minor, row.order.currency)

    @display(description="Subtotal")
    def subtotal(self, row: OrderLine) -> str:
        return money_cell(row.subtotal_minor, row.order.currency)


class _Moves(ViewInline):
    model = OrderMove
    verbose_name_plural = "history"
    fields = ("at", "from_status", "to_status", "by", "actor", "reason")
    readonly_fields = fields
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderMove]:
        rows: QuerySet[OrderMove] = super().get_queryset(request).select_related("actor")
        return rows


class _Notes(ViewInline):
    model = OrderNote
    verbose_name_plural = "notes"
    fields = ("created_at", "author", "text")
    readonly_fields = fields
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderNote]:
        rows: QuerySet[OrderNote] = super().get_queryset(request).select_related("author")
        return rows


class OrderResource(SafeResource):
    """What an export of orders holds: no addresses, no tokens."""

    market = Field(attribute="market__code", column_name="market")
    total = Field(column_name="total")

    class Meta:
        model = Order
        fields = ("number", "status", "email", "market", "currency", "total", "placed_at")
        export_order = fields

    def dehydrate_total(self, order: Order) -> str:
        return money.to_text(order.total_minor, order.currency)


@admin.register(Order)
class OrderAdmin(OrderEditing, Exported):
    """Orders change by moves only; each is a button where the table of moves allows it."""

    resource_classes = (OrderResource,)
    list_display = ("number", "shown_status", "email", "shown_total", "placed_at", "market")
    list_filter = ("status", "placed_at", "market")
    list_select_related = ("market",)
    search_fields = ("number__iexact", "email_key__of", "external_number__iexact", "lines__sku__iexact")
    whole_fields: ClassVar[Any] = {"number": {}, "email_key__of": {}, "external_number": {}}
    fieldsets = (
        (None, {"fields": (("number", "shown_status"), ("email", "customer"), ("placed_at", "market"), "note")}),
        ("Money", {"fields": (("subtotal", "discount"), ("shipping", "tax"), "shown_total", "receipt")}),
        ("Addresses", {"fields": (("ship_to", "bill_to"),)}),
    )
    readonly_fields = (
        *("shown_status", "subtotal", "discount", "shipping", "tax", "shown_total", "receipt"),
        *("ship_to", "bill_to"),
    )
    ordering = ("-placed_at", "-pk")
    inlines = (_Lines, _Moves, ParcelInline, _Notes)
    actions = ("move_chosen",)
    actions_detail = (
        *("mark_paid", "ship", "mark_delivered", "edit_order", "payment_link"),
        *("cancel", "refund", "add_note"),
    )

    @display(description="Status", ordering="status", label=_COLOURS)
    def shown_status(self, row: Order) -> str:
        return row.status

    @display(description="Total", ordering="total_minor")
    def shown_total(self, row: Order) -> str:
        return money_cell(row.total_minor, row.currency)

    def subtotal(self, row: Order) -> str:
        return money_cell(row.subtotal_minor, row.currency)

    def discount(self, row: Order) -> str:
        return money_cell(row.discount_minor, row.currency)

    def shipping(self, row: Order) -> str:
        return money_cell(row.shipping_minor, row.currency)

    def tax(self, row: Order) -> str:
        return money_cell(row.tax_minor, row.currency)

    @display(description="How it came to that")
    def receipt(self, row: Order) -> SafeString | str:
        receipt = selectors.find_receipt(order=row)
        return table(IN_WORDS, in_words(receipt.steps if receipt else (), row.currency))

    @display(description="Ship to")
    def ship_to(self, row: Order) -> SafeString | str:
        return _lines_of(row.shipping_address)

    @display(description="Bill to")
    def bill_to(self, row: Order) -> SafeString | str:
        return _lines_of(row.billing_address)

    def has_move_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "move")

    def has_note_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("orders.add_ordernote"))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only the moves that the order may make from where it stands."""
        offered = super().get_actions_detail(request, object_id)
        row = self.get_object(request, object_id)
        if row is None:
            return []
        return [each for each in offered if _is_open(each.action_name.partition("orders_order_")[2], row)]

    @action(description="Mark paid", icon="payments", permissions=["move"], variant=ActionVariant.PRIMARY)
    def mark_paid(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._ask_to_move(request, object_id, "Mark paid", OrderStatus.PAID)

    @action(description="Ship", icon="local_shipping", permissions=["move"], variant=ActionVariant.PRIMARY)
    def ship(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def send(said: dict[str, Any]) -> str:
            wish = services.FulfilmentWish(items=take_units(said), **said)
            services.fulfil_order(order_id=row.pk, wish=wish, actor=request.user, at=timezone.now())  # type: ignore[arg-type]
            return "The parcel is on its way."

        return self.ask_about_one(request, object_id, title="Ship", act=send, form=with_units(ShipForm, row))

    @action(description="Mark delivered", icon="done_all", permissions=["move"], variant=ActionVariant.PRIMARY)
    def mark_delivered(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._ask_to_move(request, object_id, "Mark delivered", OrderStatus.DELIVERED)

    @action(description="Cancel", icon="cancel", permissions=["move"], variant=ActionVariant.DANGER)
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)
        form = with_units(CancelForm, row) if row.status == OrderStatus.PAID.value else CancelForm

        def cancel(said: dict[str, Any]) -> str:
            wish = services.CancelWish(items=take_units(said), reason=said["reason"], is_refunded=not said["is_kept"])
            order = services.cancel_order(order_id=row.pk, wish=wish, actor=request.user, at=timezone.now())  # type: ignore[arg-type]
            return f"{row.number} is {order.status}."

        return self.ask_about_one(request, object_id, title="Cancel the order", act=cancel, form=form)

    def has_refund_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("payments.add_refund"))

    @action(description="Give money back", icon="currency_exchange", permissions=["refund"])
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def give_back(said: dict[str, Any]) -> str:
            refunds = services.refund_order(
                order_id=row.pk,
                wish=wish_of(said),
                actor=request.user,  # type: ignore[arg-type]
                at=timezone.now(),
            )
            return " ".join(
                f"{as_words(refund.attempt.provider)} {money_cell(refund.amount_minor, row.currency)}: {refund.status}."
                for refund in refunds
            )

        means = [
            f"{as_words(each.provider)}: {money_cell(each.left_minor, row.currency)} left to give back"
            for each in payment_reads.list_means(order_id=row.pk)
        ]
        return self.ask_about_one(
            request, object_id, title="Give money back", act=give_back, form=with_lines(row), objects=means
        )

    @action(description="Add a note", icon="sticky_note_2", permissions=["note"])
    def add_note(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def note(said: dict[str, Any]) -> str:
            services.add_note(order_id=row.pk, author=request.user, text=said["text"])  # type: ignore[arg-type]
            return "The note is kept."

        return self.ask_about_one(request, object_id, title="Add a note", act=note, form=NoteForm)

    @action(description="Move on", permissions=["move"])
    def move_chosen(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse:
        rows = ids_of(queryset)

        def move(said: dict[str, Any]) -> str:
            moved = services.move_orders(
                order_ids=rows,
                to=OrderStatus(said["to"]),
                actor=request.user,  # type: ignore[arg-type]
                at=timezone.now(),
                reason=said["reason"],
            )
            return f"{moved} orders moved to {said['to']}."

        names = [f"{number}: {status}" for number, status in queryset.order_by("pk").values_list("number", "status")]
        return self.ask(request, title=f"Move {len(rows)} orders on", act=move, form=MoveForm, objects=names)

    def _ask_to_move(
        self, request: HttpRequest, object_id: str, title: str, to: OrderStatus, form: type[forms.Form] = StaffForm
    ) -> HttpResponse:
        row = self.row(request, object_id)

        def move(said: dict[str, Any]) -> str:
            services.move_order(order_id=row.pk, to=to, actor=request.user, at=timezone.now(), **said)  # type: ignore[arg-type]
            return f"{row.number} is {to.value}."

        return self.ask_about_one(request, object_id, title=title, act=move, form=form)


_ADDRESS = ("name", "line1", "line2", "city", "region", "postal_code", "country", "phone")
_MOVES = {
    "mark_paid": OrderStatus.PAID,
    "ship": OrderStatus.SHIPPED,
    "mark_delivered": OrderStatus.DELIVERED,
    "cancel": OrderStatus.CANCELLED,
}


def _is_open(name: str, order: Order) -> bool:
    if name in ("edit_order", "payment_link"):
        return order.status == OrderStatus.PENDING.value
    if name == "refund":
        return order.status != OrderStatus.PENDING.value
    return name not in _MOVES or may_move(OrderStatus(order.status), _MOVES[name])


def _lines_of(address: dict[str, str] | None) -> SafeString | str:
    if not address:
        return "-"
    return format_html_join("", "{}<br>", ((address[name],) for name in _ADDRESS if address.get(name)))
