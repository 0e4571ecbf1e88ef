"""The codes of promotions, and the orders that used them. Both are only read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from import_export.fields import Field
from unfold.decorators import display

from core.admin import Exported, SafeResource, ServiceAdmin, money_cell, row_link
from promotions import selectors
from promotions.models import Coupon, PromotionUse

OF_PROMOTION = "promotion__id__exact"


class CouponResource(SafeResource):
    """What an export of codes holds."""

    promotion = Field(attribute="promotion__name", column_name="promotion")
    uses = Field(attribute="times_used", column_name="uses")

    class Meta:
        model = Coupon
        fields = ("code", "promotion", "batch", "usage_limit", "per_customer_limit", "uses")
        export_order = fields


@admin.register(Coupon)
class CouponAdmin(Exported):
    """Codes, of all promotions or of one. They are made on the page of their promotion."""

    resource_classes = (CouponResource,)
    list_display = ("code", "promotion", "batch", "shown_uses", "usage_limit", "per_customer_limit", "created_at")
    list_select_related = ("promotion",)
    search_fields = ("code", "batch", "promotion__name")
    fields = ("promotion", "code", "batch", ("shown_uses", "usage_limit", "per_customer_limit"), "created_at")
    readonly_fields = ("shown_uses", "created_at")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return selectors.list_coupons().order_by(*self.ordering)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # A promotion's page leads to its codes.
        return lookup == OF_PROMOTION or super().lookup_allowed(lookup, value, request)

    @display(description="Uses")
    def shown_uses(self, row: Any) -> int:
        return int(row.times_used)


@admin.register(PromotionUse)
class PromotionUseAdmin(ServiceAdmin):
    """Which orders had which promotions, and what they took off."""

    list_display = ("used_at", "promotion", "coupon", "order", "shown_amount", "returned_at")
    list_select_related = ("promotion", "coupon")
    search_fields = ("promotion__name", "coupon__code")
    fields = ("promotion", "coupon", "order", "shown_amount", "used_at", "returned_at")
    readonly_fields = ("order", "shown_amount")
    ordering = ("-used_at", "-pk")

    @display(description="Order")
    def order(self, row: PromotionUse) -> SafeString | str:
        return row_link("order", str(row.order_id))

    @display(description="Off", ordering="amount_minor")
    def shown_amount(self, row: PromotionUse) -> str:
        return money_cell(row.amount_minor, row.currency)
