"""Ways to pay that customers keep, in the back office: to read, and to remove where a customer asks for it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from core.admin import ServiceAdmin, as_words
from payments import services
from payments.models import SavedMethod


@admin.register(SavedMethod)
class SavedMethodAdmin(ServiceAdmin):
    """By what a customer knows them. The provider's token is on no page."""

    list_display = ("name", "customer", "provider", "expiry", "is_default", "created_at", "removed_at")
    list_filter = ("provider", "is_default")
    list_select_related = ("customer",)
    search_fields = ("customer__email_key__of", "last4__iexact")
    fields = (("name", "provider"), ("customer", "expiry"), "is_default", ("created_at", "removed_at"))
    readonly_fields = ("name", "expiry", "created_at")
    ordering = ("-created_at", "-pk")
    actions_detail = ("remove",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SavedMethod]:
        rows: QuerySet[SavedMethod] = super().get_queryset(request).select_related("customer")
        return rows

    @display(description="Name")
    def name(self, row: SavedMethod) -> str:
        return as_words(str(row))

    @display(description="Expires")
    def expiry(self, row: SavedMethod) -> str:
        return f"{row.expires_month:02}/{row.expires_year}" if row.expires_month and row.expires_year else "-"

    def has_remove_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "delete")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Nothing for what was removed, and waits for its provider."""
        row = self.get_object(request, object_id)
        offered: list[Any] = super().get_actions_detail(request, object_id)
        return offered if row is not None and row.removed_at is None else []

    @action(description="Remove", icon="delete", permissions=["remove"], variant=ActionVariant.DANGER)
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def remove(_: dict[str, Any]) -> str:
            services.remove_method(method_id=row.pk, at=timezone.now())
            return f"{row} is removed, and its provider is told."

        return self.ask_about_one(request, object_id, title="Remove", act=remove, back=self.list_url())
