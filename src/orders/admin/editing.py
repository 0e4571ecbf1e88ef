"""Changing an unpaid order, and the link by which it is paid, in the back office."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action

from core.admin import ServiceAdmin, StaffForm, money_cell
from orders import selectors, services
from orders.admin.wording import AddressFields, ItemsField, changed, order_lines, typed_address

if TYPE_CHECKING:
    from orders.models import Order
    from orders.services import OrderChanges

_PLAIN = ("email", "shipping_method", "coupon", "note")


class EditOrderForm(AddressFields, StaffForm):
    """What an unpaid order is to be."""

    items = ItemsField(
        help_text="One on each line: SKU x units. What is there keeps its price; @ price sets one that was agreed."
    )
    email = forms.EmailField(max_length=254)
    shipping_method = forms.CharField(max_length=40, required=False)
    coupon = forms.CharField(max_length=64, required=False)
    note = forms.CharField(max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    reason = forms.CharField(max_length=300, required=False, help_text="The customer reads it.")
    version = forms.CharField(widget=forms.HiddenInput)
    field_order = ("items", "reason", "email", "shipping_method", "coupon", "note")


class LinkForm(StaffForm):
    """Whether the link is mailed."""

    send = forms.BooleanField(required=False, label="Mail it to the buyer")


class OrderEditing(ServiceAdmin):
    """The buttons of orders that are not paid."""

    def has_edit_order_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "change")

    def has_link_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("orders.add_paymentlink"))

    @action(description="Edit", icon="edit", permissions=["edit_order"])
    def edit_order(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)
        before = _typed(row)

        def edit(said: dict[str, Any]) -> str:
            wish = services.EditOrder(
                changes=_changes(said, before), reason=said["reason"], versions=(said["version"],)
            )
            order = services.edit_order(order_id=row.pk, wish=wish, actor=request.user, at=timezone.now())  # type: ignore[arg-type]
            return f"It costs {money_cell(order.total_minor, order.currency)} now."

        return self.ask_about_one(request, object_id, title="Edit", act=edit, form=EditOrderForm, initial=before)

    @action(description="Payment link", icon="link", permissions=["link"])
    def payment_link(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def show(said: dict[str, Any]) -> str:
            link = services.make_payment_link(
                order_id=row.pk,
                actor=request.user,  # type: ignore[arg-type]
                at=timezone.now(),
                is_sent=said["send"],
            )
            self.message_user(request, selectors.url_of_link(link=link), messages.INFO)
            return "The link was mailed." if said["send"] else "Copy the link and send it to whoever pays."

        return self.ask_about_one(request, object_id, title="Payment link", act=show, form=LinkForm)


def _typed(order: Order) -> dict[str, Any]:
    return {
        "items": order_lines(order=order),
        **{name: getattr(order, name) for name in _PLAIN},
        **typed_address(order.shipping_address),
        "version": order.version,
    }


def _changes(said: dict[str, Any], before: dict[str, Any]) -> OrderChanges:
    """Return what is different from what the form began with. Fewer changes price less anew."""
    found = changed(said, before, _PLAIN)
    lines = "\n".join(f"{item.sku} x {item.quantity}" for item in said["items"])
    if lines != before["items"] or any(item.unit_price is not None for item in said["items"]):
        found["items"] = said["items"]
    address = said["shipping_address"]
    if address is not None and typed_address(address.as_dict()) != {
        name: value for name, value in before.items() if name.startswith("ship_")
    }:
        found["shipping_address"] = address
    changes: OrderChanges = found  # type: ignore[assignment]
    return changes
