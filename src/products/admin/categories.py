"""The category tree, in the back office."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, F, Func, OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.aggregates import Count
from django.db.models.functions import Cast, Coalesce, Concat, LPad
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from core import images, media
from core.admin import ServiceAdmin, dressed, picture
from products import services
from products.models import Category, Product


class CategoryForm(forms.ModelForm):  # type: ignore[type-arg]
    """A category; another parent moves the whole branch."""

    upload = forms.FileField(required=False, label="New image", help_text="JPEG, PNG or WebP.")

    class Meta:
        model = Category
        fields = ("name", "slug", "parent", "position")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False
            self.fields["slug"].help_text = "Left empty, it is made from the name."
        if "upload" in self.fields:
            dressed(self.fields["upload"])

    def _get_validation_exclusions(self) -> set[str]:
        # The path follows from the rest, and an empty slug is made by the service.
        return {
            *super()._get_validation_exclusions(),  # type: ignore[misc]
            "path",
            "slug",
        }


def _place_in_tree() -> ArraySubquery:
    """Return what sorts a category below its parent: the places of all above it, and its own."""
    is_above = Func(
        F("pk"),
        OuterRef("ancestor_ids"),
        template="%(expressions)s)",
        arg_joiner=" = ANY(",
        output_field=BooleanField(),
    )
    place = Concat(LPad(Cast("position", TextField()), 10, Value("0")), Value(" "), "slug", output_field=TextField())
    rows = Category.objects.annotate(place=place).filter(is_above).order_by("ancestor_ids__len")
    return ArraySubquery(rows.values("place"))


@admin.register(Category)
class CategoryAdmin(ServiceAdmin):
    """The tree from the top down; what stands side by side in the order of its positions."""

    form = CategoryForm
    can_add = True
    can_change = True

    list_display = ("shown_name", "path", "products", "position", "shown_image")
    search_fields = ("name", "slug", "path")
    autocomplete_fields = ("parent",)
    fields = ("name", "slug", "parent", "position", ("shown_image", "upload"))
    readonly_fields = ("shown_image",)
    actions_detail = ("remove",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        rows: QuerySet[Category] = super().get_queryset(request)
        inside = Product.objects.filter(category=OuterRef("pk")).values("category").annotate(n=Count("pk")).values("n")
        rows = rows.annotate(products_inside=Coalesce(Subquery(inside), 0), place_in_tree=_place_in_tree())
        return rows.order_by("place_in_tree", "pk")

    @display(description="Name", ordering="place_in_tree")
    def shown_name(self, row: Category) -> SafeString:
        depth = min(len(row.ancestor_ids), 8)
        return format_html('<span class="nexus-branch nexus-depth-{}">{}</span>', depth, row.name)

    @display(description="Products")
    def products(self, row: Category) -> int:
        return int(row.products_inside)  # type: ignore[attr-defined]

    @display(description="Image")
    def shown_image(self, row: Category) -> SafeString | str:
        return picture(row.image.name or "", alt=row.name)

    def write(self, *, request: HttpRequest, obj: Any, form: Any, formsets: Sequence[Any], is_new: bool) -> None:
        said, at = form.cleaned_data, timezone.now()
        # Decoding takes its time: before any transaction.
        upload = images.clean_image(said["upload"]) if said.get("upload") else None
        parent = said["parent"].slug if said["parent"] else None
        if is_new:
            made = services.create_category(
                name=said["name"], slug=said["slug"] or None, parent=parent, position=said["position"], at=at
            )
            obj.pk, slug = made.pk, made.slug
        else:
            wanted = {name: said[name] for name in ("name", "slug", "position") if name in form.changed_data}
            wanted = {name: value for name, value in wanted.items() if value != ""}
            wanted |= {"parent": parent} if "parent" in form.changed_data else {}
            slug = services.update_category(slug=form.initial["slug"], changes=wanted, at=at).slug
        if upload is not None:
            stored = media.store_images([upload], folder="categories")
            services.set_category_image(slug=slug, image=stored[0], at=at)

    def has_remove_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "delete")

    @action(description="Delete", icon="delete", permissions=["remove"], variant=ActionVariant.DANGER)
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def delete(_: dict[str, Any]) -> str:
            services.delete_category(slug=row.slug)
            return f"{row.name} is gone."

        return self.ask_about_one(request, object_id, title="Delete", act=delete, back=self.list_url())
