"""Customer groups, in the back office."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts import services
from accounts.models import CustomerGroup
from core.admin import ServiceAdmin


@admin.register(CustomerGroup)
class CustomerGroupAdmin(ServiceAdmin):
    """Customer groups. A group keeps its code."""

    can_add = True
    can_change = True

    list_display = ("name", "code", "people")
    search_fields = ("name", "code")
    fields = ("name", "code")
    ordering = ("name", "pk")
    actions_detail = ("remove",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CustomerGroup]:
        rows: QuerySet[CustomerGroup] = super().get_queryset(request)
        return rows.annotate(members=Count("customers", filter=Q(customers__deleted_at__isnull=True)))

    @display(description="Customers", ordering="members")
    def people(self, row: Any) -> int:
        return int(row.members)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("code",)

    def write(self, *, request: HttpRequest, obj: Any, form: Any, formsets: Sequence[Any], is_new: bool) -> None:
        said = form.cleaned_data
        if is_new:
            obj.pk = services.create_customer_group(code=said["code"], name=said["name"], at=timezone.now()).pk
        else:
            services.rename_customer_group(code=obj.code, name=said["name"])

    def has_remove_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "delete")

    @action(description="Delete", icon="delete", permissions=["remove"], variant=ActionVariant.DANGER)
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def delete(_: dict[str, Any]) -> str:
            services.delete_customer_group(code=row.code)
            return f"The customer group {row.name} is gone."

        return self.ask_about_one(
            request, object_id, title="Delete the customer group", act=delete, back=self.list_url()
        )
