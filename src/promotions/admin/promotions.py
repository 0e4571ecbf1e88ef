"""The pages of promotions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from core.admin import ServiceAdmin, as_words
from promotions import selectors, services
from promotions.admin.forms import BatchForm, CouponForm, PromotionForm, shown_values
from promotions.models import Promotion
from promotions.services import BatchData, CouponData, PromotionData


@admin.register(Promotion)
class PromotionAdmin(ServiceAdmin):
    """What makes carts cheaper. Codes are made on the page of a promotion that needs one."""

    form = PromotionForm
    can_add = True
    can_change = True

    list_display = (
        "name", "shown_benefit", "needs_code", "starts_at", "ends_at", "priority", "shown_uses", "usage_limit",
        "is_active",
    )  # fmt: skip
    list_filter = ("is_active", "needs_code", "benefit")
    search_fields = ("name",)
    ordering = ("-created_at", "-pk")
    readonly_fields = ("shown_uses",)
    actions_detail = ("add_coupon", "add_batch", "show_coupons", "end")
    fieldsets = (
        (None, {"fields": ("name", ("is_active", "needs_code"), "shown_uses")}),
        (
            "What it gives",
            {"fields": (("benefit", "per"), "percent", "amount_lines", ("buy", "get"), "tier_lines")},
        ),
        (
            "What it is about",
            {"fields": ("category_ids", "skus", "product_ids", "tag_list", "minimum_lines", "minimum_quantity")},
        ),
        (
            "For whom and when",
            {"fields": ("market_codes", "group_codes", "first_order_only", ("starts", "ends"), "time_zone")},
        ),
        ("Limits", {"fields": (("usage_limit", "per_customer_limit"), ("priority", "is_exclusive"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return selectors.list_promotions().order_by(*self.ordering)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is not None and not self.has_change_permission(request, row):
            # Without a form, the page asks the row for what the form would show.
            for name, value in shown_values(row).items():
                setattr(row, name, ", ".join(value) if isinstance(value, list) else value)
        return row

    @display(description="Benefit", ordering="benefit")
    def shown_benefit(self, row: Promotion) -> str:
        return as_words(row.benefit)

    @display(description="Uses")
    def shown_uses(self, row: Any) -> int:
        return int(getattr(row, "times_used", 0))

    def write(self, *, request: HttpRequest, obj: Any, form: Any, formsets: Sequence[Any], is_new: bool) -> None:
        wanted = form.changes()
        if is_new:
            obj.pk = services.create_promotion(data=PromotionData(**wanted)).pk
        else:
            services.update_promotion(promotion_id=obj.pk, changes=wanted)

    def has_code_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "change")

    def has_show_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("promotions.view_coupon"))

    def has_end_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "delete")

    @action(description="Add a code", icon="add", permissions=["code"])
    def add_coupon(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def make(said: dict[str, Any]) -> str:
            return f"{services.create_coupon(promotion_id=row.pk, data=CouponData(**said))} can be entered."

        return self.ask_about_one(request, object_id, title="Add a code", act=make, form=CouponForm)

    @action(description="Add a batch of codes", icon="library_add", permissions=["code"])
    def add_batch(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def make(said: dict[str, Any]) -> str:
            data = BatchData(prefix=said.pop("begins_with"), **said)
            codes = services.create_coupon_batch(promotion_id=row.pk, data=data)
            return f"{len(codes)} codes were made. They can be exported here."

        return self.ask_about_one(
            request,
            object_id,
            title="Add a batch of codes",
            act=make,
            form=BatchForm,
            initial={"usage_limit": 1},
            back=_coupons_of(row),
        )

    @action(description="Codes", icon="confirmation_number", permissions=["show"])
    def show_coupons(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(_coupons_of(self.row(request, object_id)))

    @action(description="End", icon="block", permissions=["end"], variant=ActionVariant.DANGER)
    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def end_it(_: dict[str, Any]) -> str:
            services.delete_promotion(promotion_id=row.pk)
            return f"{row.name} no longer holds. Orders keep what they had."

        return self.ask_about_one(request, object_id, title="End", act=end_it)


def _coupons_of(row: Promotion) -> str:
    return reverse("admin:promotions_coupon_changelist", query={"promotion__id__exact": str(row.pk)})
