"""Products, in the back office: one form for a product with its variants and pictures, written by one command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from core import media
from core.admin import Exported, ServiceInline, money_cell, picture
from core.admin.base import ids_of
from core.errors import DomainError
from markets import selectors as market_reads
from products import services
from products.admin.exporting import ProductResource
from products.admin.forms import (
    ImageForm,
    PercentForm,
    PriceForm,
    ProductForm,
    VariantForm,
    VariantFormSet,
    store_uploads,
)
from products.admin.importing import import_page
from products.domain import AmountGiven, ProductData, VariantData
from products.models import Category, Price, Product, ProductImage, Variant
from products.services import PriceLine, ProductEdit


class _Variants(ServiceInline):
    model = Variant
    form = VariantForm
    formset = VariantFormSet
    fields = tuple(VariantForm.field_order)
    ordering = ("position", "pk")
    max_num = 200

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 1 if obj is None else 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Variant]:
        rows: QuerySet[Variant] = Variant.objects.order_by("position", "pk")
        return rows


class _Images(ServiceInline):
    model = ProductImage
    form = ImageForm
    fields = ("shown", "upload", "alt", "position")
    readonly_fields = ("shown",)
    ordering = ("position", "pk")
    max_num = 20

    @display(description="Picture")
    def shown(self, row: ProductImage) -> SafeString | str:
        return picture(row.file.name or "", alt=row.alt, thumbnails=row.thumbnails)


class _LifeFilter(admin.SimpleListFilter):
    title = "deleted"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Deleted"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product]:
        if self.value() == "all" or request.resolver_match is None:
            return queryset
        return queryset.filter(deleted_at__isnull=self.value() != "yes")


class _CategoryFilter(admin.SimpleListFilter):
    """The categories at the top, each with all below it."""

    title = "category"
    parameter_name = "in"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        tops = Category.objects.filter(parent__isnull=True).order_by("position", "pk")
        return list(tops.values_list("slug", "name")[:100])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product]:
        if not self.value():
            return queryset
        top = Category.objects.filter(slug=self.value()).values_list("pk", flat=True)
        below = Category.objects.filter(ancestor_ids__overlap=list(top))
        return queryset.filter(category__in=below.values("pk"))


@admin.register(Product)
class ProductAdmin(Exported):
    """Products. Deleting hides one; it can be restored."""

    form = ProductForm
    can_add = True
    can_change = True

    resource_classes = (ProductResource,)
    list_display = ("shown_image", "name", "category", "shown_price", "variant_count", "in_stock", "state")
    list_display_links = ("shown_image", "name")
    list_filter = ("is_active", _LifeFilter, _CategoryFilter)
    list_select_related = ("category",)
    search_fields = ("name", "slug", "brand", "variants__sku")
    whole_fields: ClassVar[Any] = {"variants__sku": {"variants__deleted_at": None}, "slug": {"deleted_at": None}}
    autocomplete_fields = ("category",)
    fieldsets = (
        (
            None,
            {"fields": (("name", "slug"), ("category", "brand"), ("tax_class", "is_active"), "description", "version")},
        ),
        ("Options and facts", {"fields": ("tag_list", ("option_lines", "fact_lines"))}),
    )
    ordering = ("-created_at", "-pk")
    inlines = (_Variants, _Images)
    actions = ("activate", "deactivate", "change_prices")
    actions_list = ("import_file",)
    actions_detail = ("set_price", "show_stock", "remove", "restore")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        living = Variant.objects.order_by("position", "pk")
        rows: QuerySet[Product] = Product.all_objects.order_by("-created_at", "-pk")
        # In a query of its own, of the rows of the page alone: a join would put the whole table into groups first.
        counted = Variant.objects.filter(product=OuterRef("pk")).order_by().values("product").values(n=Count("pk"))
        return rows.annotate(living_variants=Coalesce(Subquery(counted), 0)).prefetch_related(
            Prefetch("variants", queryset=living, to_attr="living"),
            Prefetch("living__prices", queryset=Price.objects.order_by("amount_minor", "pk"), to_attr="by_amount"),
            Prefetch("images", queryset=ProductImage.objects.order_by("position", "pk"), to_attr="pictures"),
        )

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return (_Variants,) if obj is None else super().get_inlines(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_deleted = isinstance(obj, Product) and obj.deleted_at is not None
        return not is_deleted and super().has_change_permission(request, obj)

    @display(description="")
    def shown_image(self, row: Any) -> SafeString | str:
        first = row.pictures[0] if row.pictures else None
        return picture(first.file.name or "", alt=first.alt, thumbnails=first.thumbnails) if first else "-"

    @display(description="Price")
    def shown_price(self, row: Any) -> str:
        prices = [price for variant in row.living for price in variant.by_amount]
        cheapest = min(prices, key=lambda price: price.amount_minor, default=None)
        return money_cell(cheapest.amount_minor, cheapest.currency) if cheapest else "not sold"

    @display(description="Variants", ordering="living_variants")
    def variant_count(self, row: Any) -> int:
        return int(row.living_variants)

    @display(description="In stock", boolean=True)
    def in_stock(self, row: Any) -> bool:
        return any(variant.is_available for variant in row.living)

    @display(description="State", label={"active": "success", "hidden": "warning", "deleted": "danger"})
    def state(self, row: Product) -> str:
        if row.deleted_at is not None:
            return "deleted"
        return "active" if row.is_active else "hidden"

    def write(self, *, request: HttpRequest, obj: Any, form: Any, formsets: Sequence[Any], is_new: bool) -> None:
        rows = {formset.model: formset for formset in formsets}
        if is_new:
            obj.pk = self._create(request, form, rows[Variant]).pk
            return
        given = [each for each in rows[ProductImage].extra_forms if each.has_changed()]
        stored, alts = store_uploads([each for each in given if each not in rows[ProductImage].deleted_forms])
        variants, gone = rows[Variant], rows[Variant].deleted_forms
        edit = ProductEdit(
            changes=form.changes(),
            variants=[
                each.as_edit(is_removed=each in gone)
                for each in variants.initial_forms
                if each.has_changed() or each in gone
            ],
            new_variants=_new_variants(variants),
            images=[
                each.as_edit(is_removed=each in rows[ProductImage].deleted_forms)
                for each in rows[ProductImage].initial_forms
            ],
            pictures=stored,
            alts=alts,
            version=form.cleaned_data["version"] or None,
        )
        try:
            services.edit_product(product_id=obj.pk, edit=edit, at=timezone.now(), actor_id=request.user.pk)
        except DomainError:
            media.discard_files([each.name for each in stored])
            raise

    def _create(self, request: HttpRequest, form: Any, variants: Any) -> Product:
        said = form.cleaned_data
        data = ProductData(
            name=said["name"],
            category=str(said["category"].pk),
            slug=said["slug"] or None,
            description=said["description"],
            tags=said["tag_list"],
            brand=said["brand"],
            options=said["option_lines"],
            attributes=said["fact_lines"],
            is_active=said["is_active"],
            tax_class=said["tax_class"],
            variants=_new_variants(variants) or [VariantData()],
        )
        return services.create_product(data=data, at=timezone.now(), actor_id=request.user.pk)

    def has_edit_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "change")

    def has_remove_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "delete")

    def has_import_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add") and self.may(request, "change")

    def has_stock_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("inventory.view_stock"))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Of a deleted product, restoring; of a living one, the rest."""
        row = self.get_object(request, object_id)
        is_deleted = row is not None and row.deleted_at is not None
        offered = super().get_actions_detail(request, object_id)
        return [each for each in offered if each.action_name.endswith("_restore") == is_deleted]

    @action(description="Show in the shop", permissions=["edit"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Product]) -> HttpResponse:
        return self._ask_to_show(request, queryset, is_active=True)

    @action(description="Hide from the shop", permissions=["edit"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Product]) -> HttpResponse:
        return self._ask_to_show(request, queryset, is_active=False)

    def _ask_to_show(self, request: HttpRequest, queryset: QuerySet[Product], *, is_active: bool) -> HttpResponse:
        rows, names = ids_of(queryset), _names(queryset)

        def show(_: dict[str, Any]) -> str:
            changed = services.set_active(product_ids=rows, is_active=is_active, at=timezone.now())
            return f"{changed} products are {'shown' if is_active else 'hidden'}."

        title = f"{'Show' if is_active else 'Hide'} {len(rows)} products"
        return self.ask(request, title=title, act=show, objects=names, changed=queryset)

    @action(description="Change prices by per cent", permissions=["edit"])
    def change_prices(self, request: HttpRequest, queryset: QuerySet[Product]) -> HttpResponse:
        rows, names = ids_of(queryset), _names(queryset)

        def change(said: dict[str, Any]) -> str:
            changed = services.change_prices_by_percent(
                percent=said["percent"], product_ids=rows, currency=said["currency"], at=timezone.now()
            )
            return f"The prices of {changed} products changed by {said['percent']} %."

        title = f"Change the prices of {len(rows)} products"
        return self.ask(request, title=title, act=change, form=PercentForm, objects=names, changed=queryset)

    @action(description="Set a price", icon="sell", permissions=["edit"])
    def set_price(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)
        skus = [(variant.sku, variant.sku) for variant in row.living]
        form = type("SkuPriceForm", (PriceForm,), {"sku": forms.ChoiceField(label="SKU", choices=skus)})

        def set_it(said: dict[str, Any]) -> str:
            before = said["compare_at_price"]
            line = PriceLine(
                sku=said["sku"],
                price=AmountGiven(amount=said["price"], currency=said["currency"]),
                compare_at_price=None if before is None else AmountGiven(amount=before, currency=said["currency"]),
            )
            services.set_prices(lines=[line], at=timezone.now())
            return f"{said['sku']} costs {said['price']} {said['currency']}."

        initial = {"currency": market_reads.get_market(code=None).currency}
        return self.ask_about_one(request, object_id, title="Set a price", act=set_it, form=form, initial=initial)

    @action(description="Stock", icon="inventory", permissions=["stock"])
    def show_stock(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)
        query = {"variant__product__id__exact": str(row.pk)}
        return HttpResponseRedirect(reverse("admin:inventory_stock_changelist", query=query))

    @action(description="Delete", icon="delete", permissions=["remove"], variant=ActionVariant.DANGER)
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def delete(_: dict[str, Any]) -> str:
            services.delete_product(product_id=row.pk, at=timezone.now())
            return f"{row.name} is deleted; it can be restored."

        return self.ask_about_one(request, object_id, title="Delete", act=delete, back=self.list_url())

    @action(description="Restore", icon="restore", permissions=["remove"], variant=ActionVariant.PRIMARY)
    def restore(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def bring_back(_: dict[str, Any]) -> str:
            services.restore_product(product_id=row.pk, at=timezone.now())
            return f"{row.name} is back."

        return self.ask_about_one(request, object_id, title="Restore", act=bring_back)

    @action(description="Import", icon="upload", url_path="import", permissions=["import"])
    def import_file(self, request: HttpRequest) -> HttpResponse:
        return import_page(self, request)


def _names(rows: QuerySet[Product]) -> list[str]:
    return list(rows.order_by("pk").values_list("name", flat=True))


def _new_variants(formset: Any) -> list[VariantData]:
    return [form.as_new() for form in formset.extra_forms if form.has_changed() and form not in formset.deleted_forms]
