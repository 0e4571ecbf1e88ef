"""Money on its way back, and what staff give back by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from core.admin import ServiceAdmin, as_words, money_cell, row_link
from payments import services
from payments.domain import RefundStatus
from payments.models import Refund

_FAILED = RefundStatus.FAILED.value
_COLOURS = {
    "created": "warning",
    "unknown": "warning",
    "pending": "info",
    "succeeded": "success",
    "failed": "danger",
}


@admin.register(Refund)
class RefundAdmin(ServiceAdmin):
    """What goes back, by which means, and how far it is."""

    list_display = ("created_at", "about", "means", "amount", "shown_to", "shown_status", "reason")
    list_filter = ("status", "to", "created_at")
    list_select_related = ("payment", "attempt")
    search_fields = ("provider_reference__iexact", "idempotency_key__iexact")
    fields = (("about", "means"), ("amount", "shown_to", "shown_status"), "reason", ("actor", "failure"), "created_at")
    readonly_fields = ("about", "means", "amount", "shown_to", "shown_status", "created_at")
    ordering = ("-created_at", "-pk")
    actions_detail = ("confirm", "retry")

    @display(description="About")
    def about(self, row: Refund) -> SafeString | str:
        return row_link("order", str(row.payment.order_id))

    @display(description="By")
    def means(self, row: Refund) -> str:
        return as_words(row.attempt.provider)

    @display(description="Amount", ordering="amount_minor")
    def amount(self, row: Refund) -> str:
        return money_cell(row.amount_minor, row.payment.currency)

    @display(description="To", ordering="to")
    def shown_to(self, row: Refund) -> str:
        return as_words(row.to)

    @display(description="Status", ordering="status", label=_COLOURS)
    def shown_status(self, row: Refund) -> str:
        return row.status

    def has_confirm_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "add")

    def has_retry_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "add")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only what is given back by hand can be confirmed by hand, and only what failed is tried again."""
        row = self.get_object(request, object_id)
        if row is None:
            return []
        fits = {"confirm": row.is_by_hand, "retry": row.status == _FAILED}
        offered = super().get_actions_detail(request, object_id)
        return [each for each in offered if fits[each.action_name.partition("payments_refund_")[2]]]

    @action(description="Given back", icon="done", permissions=["confirm"], variant=ActionVariant.PRIMARY)
    def confirm(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def confirm(_: dict[str, Any]) -> str:
            refund = services.confirm_refund(refund_id=row.pk, actor=request.user, at=timezone.now())  # type: ignore[arg-type]
            return f"The {refund}."

        return self.ask_about_one(request, object_id, title="Given back", act=confirm)

    @action(description="Try again", icon="replay", permissions=["retry"], variant=ActionVariant.PRIMARY)
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def retry(_: dict[str, Any]) -> str:
            refund = services.retry_refund(refund_id=row.pk, actor=request.user, at=timezone.now())  # type: ignore[arg-type]
            return f"The {refund}."

        return self.ask_about_one(request, object_id, title="Try again", act=retry)
