"""Stock, in the back office: what is there, why, and how to correct it."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from import_export.fields import Field
from unfold.decorators import action, display

from core.admin import Exported, SafeResource, ServiceAdmin, StaffForm, ViewInline, row_link
from inventory import services
from inventory.models import Movement, Place, Reservation, Stock
from inventory.services import Adjustment

BY_PRODUCT = "variant__product__id__exact"
_MOST = 1_000_000
_HISTORY = 50


class DifferenceForm(StaffForm):
    """By how many units stock is corrected."""

    difference = forms.IntegerField(
        min_value=-_MOST, max_value=_MOST, help_text="Units to add; negative to take away. For each chosen row."
    )
    reason = forms.CharField(max_length=100, help_text="Kept in the history.")


class CountForm(StaffForm):
    """How many units were counted. ``expected`` is what the page showed."""

    quantity = forms.IntegerField(min_value=0, max_value=_MOST, label="Units on hand")
    reason = forms.CharField(max_length=100, help_text="Kept in the history.")
    expected = forms.IntegerField(widget=forms.HiddenInput)


class _StockFilter(admin.SimpleListFilter):
    title = "free units"
    parameter_name = "free"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("none", "Sold out"), ("few", "Fewer than 5"), ("some", "5 or more")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Stock]) -> QuerySet[Stock]:
        match self.value():
            case "none":
                return queryset.filter(on_hand=F("reserved"))
            case "few":
                return queryset.filter(on_hand__gt=F("reserved"), on_hand__lt=F("reserved") + 5)
            case "some":
                return queryset.filter(on_hand__gte=F("reserved") + 5)
        return queryset


class _History(ViewInline):
    """The last movements; all of them stand in their own list."""

    model = Movement
    verbose_name_plural = f"history, the last {_HISTORY}"
    fields = ("at", "difference", "reason", "shown_reference", "actor")
    readonly_fields = fields

    @display(description="Reference")
    def shown_reference(self, row: Movement) -> SafeString | str:
        return row_link("order", row.reference)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Movement]:
        rows: QuerySet[Movement] = super().get_queryset(request).select_related("actor").order_by("-pk")
        stock_id = request.resolver_match.kwargs.get("object_id") if request.resolver_match else None
        newest = Movement.objects.filter(stock__id=unquote(stock_id)) if stock_id else Movement.objects.none()
        return rows.filter(pk__in=newest.order_by("-pk").values("pk")[:_HISTORY])


class StockResource(SafeResource):
    """What an export of stock holds."""

    sku = Field(attribute="variant__sku", column_name="sku")
    product = Field(attribute="variant__product__name", column_name="product")
    place = Field(attribute="place__code", column_name="place")
    free = Field(attribute="free", column_name="free")

    class Meta:
        model = Stock
        fields = ("sku", "product", "place", "on_hand", "reserved", "free")
        export_order = fields


@admin.register(Stock)
class StockAdmin(Exported):
    """What stands where. Corrections go through the ledger."""

    resource_classes = (StockResource,)
    list_display = ("sku", "product_name", "place", "on_hand", "reserved", "shown_free", "updated_at")
    list_filter = (_StockFilter, "place")
    list_select_related = ("variant__product", "place")
    search_fields = ("variant__sku", "variant__product__name")
    whole_fields: ClassVar[Any] = {"variant__sku": {"variant__deleted_at": None}}
    fields = (("sku", "product_name"), "place", ("on_hand", "reserved", "shown_free"))
    readonly_fields = ("sku", "product_name", "shown_free")
    ordering = ("variant__sku", "pk")
    actions = ("adjust_chosen",)
    actions_detail = ("count",)
    inlines = (_History,)

    @display(description="SKU", ordering="variant__sku")
    def sku(self, row: Stock) -> str:
        return row.variant.sku

    @display(description="Product", ordering="variant__product__name")
    def product_name(self, row: Stock) -> str:
        return row.variant.product.name

    @display(description="Free")
    def shown_free(self, row: Stock) -> int:
        return row.free

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # A product's page leads to the stock of its variants.
        return lookup == BY_PRODUCT or super().lookup_allowed(lookup, value, request)

    def has_adjust_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "change")

    @action(description="Adjust by a number of units", permissions=["adjust"])
    def adjust_chosen(self, request: HttpRequest, queryset: QuerySet[Stock]) -> HttpResponse:
        rows = list(queryset.select_related("variant").order_by("pk"))

        def adjust(said: dict[str, Any]) -> str:
            items = [Adjustment(variant=row.variant_id, difference=said["difference"]) for row in rows]
            self._adjust(request, items, said["reason"])
            return f"{len(rows)} rows were adjusted by {said['difference']:+d}."

        names = [f"{row.variant.sku}: {row.on_hand} on hand, {row.reserved} promised" for row in rows]
        title = f"Adjust stock of {len(rows)}"
        return self.ask(request, title=title, act=adjust, form=DifferenceForm, objects=names)

    @action(description="Set units on hand", icon="edit", permissions=["adjust"])
    def count(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def set_quantity(said: dict[str, Any]) -> str:
            item = Adjustment(variant=row.variant_id, quantity=said["quantity"], expected=said["expected"])
            self._adjust(request, [item], said["reason"])
            return f"{row.variant.sku} has {said['quantity']} units on hand."

        return self.ask(
            request,
            title=f"Set units on hand: {row.variant.sku}",
            act=set_quantity,
            form=CountForm,
            initial={"quantity": row.on_hand, "expected": row.on_hand},
            changed=[row],
            button="Set units on hand",
            back=self.row_url(row),
        )

    def _adjust(self, request: HttpRequest, items: list[Adjustment], reason: str) -> None:
        services.adjust_stock(items=items, reason=reason, actor_id=request.user.pk, at=timezone.now())


@admin.register(Movement)
class MovementAdmin(ServiceAdmin):
    """The ledger of stock. It stays as it is."""

    list_display = ("sku", "difference", "reason", "shown_reference", "actor", "at")
    list_filter = ("reason",)
    list_select_related = ("stock__variant", "actor")
    search_fields = ("stock__variant__sku", "reference")
    whole_fields: ClassVar[Any] = {"stock__variant__sku": {"stock__variant__deleted_at": None}, "reference": {}}
    fields = ("sku", "difference", "reason", "shown_reference", "actor", "at")
    readonly_fields = ("sku", "shown_reference")
    ordering = ("-pk",)

    @display(description="Reference")
    def shown_reference(self, row: Movement) -> SafeString | str:
        return row_link("order", row.reference)

    @display(description="SKU")
    def sku(self, row: Movement) -> str:
        return row.stock.variant.sku


@admin.register(Reservation)
class ReservationAdmin(ServiceAdmin):
    """What is promised to orders."""

    list_display = ("sku", "quantity", "shipped", "released", "state", "promised_to", "expires_at")
    list_filter = ("state",)
    list_select_related = ("stock__variant",)
    search_fields = ("stock__variant__sku", "reference")
    whole_fields: ClassVar[Any] = {"stock__variant__sku": {"stock__variant__deleted_at": None}, "reference": {}}
    fields = ("sku", "quantity", "shipped", "released", "state", "promised_to", "expires_at")
    readonly_fields = ("sku", "promised_to")
    # Ids are in the order in which they were made, and have an index.
    ordering = ("-pk",)

    @display(description="Promised to")
    def promised_to(self, row: Reservation) -> SafeString | str:
        return row_link("order", str(row.reference))

    @display(description="SKU")
    def sku(self, row: Reservation) -> str:
        return row.stock.variant.sku


@admin.register(Place)
class PlaceAdmin(ServiceAdmin):
    """Where stock stands."""

    list_display = ("name", "code", "is_default")
    search_fields = ("name", "code")
    fields = ("name", "code", "is_default")
    ordering = ("code", "pk")
