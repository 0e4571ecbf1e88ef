"""Withdrawals, in the back office."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from core.admin import ServiceAdmin, row_link
from orders.models import Withdrawal


@admin.register(Withdrawal)
class WithdrawalAdmin(ServiceAdmin):
    """Withdrawals as they were declared and confirmed. They stay as they are."""

    list_display = ("shown_order", "status", "is_late", "declared_at", "confirmed_at")
    list_filter = ("status", "is_late", "declared_at")
    list_select_related = ("order",)
    search_fields = ("order__number__iexact", "order__email_key__of")
    fields = (
        ("order_link", "status", "is_late"),
        ("name", "email"),
        ("declared_at", "confirmed_at"),
        "statement",
        "return_link",
    )
    readonly_fields = ("order_link", "return_link")
    ordering = ("-declared_at", "-pk")

    @display(description="Order", ordering="order__number")
    def shown_order(self, row: Withdrawal) -> str:
        return row.order.number

    @display(description="Order")
    def order_link(self, row: Withdrawal) -> SafeString | str:
        return row_link("order", str(row.order_id), words=row.order.number)

    @display(description="Return")
    def return_link(self, row: Withdrawal) -> SafeString | str:
        return row_link("return", str(row.back_id or ""))
