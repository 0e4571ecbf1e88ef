"""The form of a product with its variants and pictures, and those of its actions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.safestring import SafeString

from core import images, media, money
from core.admin import StaffForm, dressed
from core.images import StoredImage
from products import selectors
from products.admin import texts
from products.domain import AmountGiven, VariantData, version_of
from products.models import Product, ProductImage, Variant
from products.services import ImageEdit, VariantEdit

_MOST = 10**9
_OF_VARIANT = ("sku", "weight_grams", "needs_shipping", "is_gift_card")
_AMOUNT: dict[str, Any] = {"required": False, "min_value": 0, "max_digits": 16, "decimal_places": 4}


class Dressed(forms.ModelForm):  # type: ignore[type-arg]
    """Gives the fields that no column makes the theme's looks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.declared_fields:
            if name in self.fields:
                dressed(self.fields[name])


class ProductForm(Dressed):
    """A product's own fields; lists as lines of text."""

    tag_list = forms.CharField(required=False, label="Tags", help_text="Separated by commas.", max_length=2000)
    option_lines = forms.CharField(
        required=False,
        label="Options",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What variants differ in, one per line. Size: S, M, L",
        max_length=10_000,
    )
    fact_lines = forms.CharField(
        required=False,
        label="Facts",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Shown as they are, one per line. Material: oak",
        max_length=20_000,
    )
    version = forms.CharField(required=False, widget=forms.HiddenInput, max_length=40)

    class Meta:
        model = Product
        fields = ("name", "slug", "category", "description", "brand", "is_active", "tax_class")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False
            self.fields["slug"].help_text = "Left empty, it is made from the name. An old one leads to the new one."
        if "description" in self.fields:
            self.fields["description"].widget.attrs["rows"] = 6
            self.fields["description"].help_text = "Markdown."
        product: Product = self.instance
        self.initial.setdefault("tag_list", ", ".join(product.tags))
        self.initial.setdefault("option_lines", texts.options_text(product.options))
        self.initial.setdefault("fact_lines", texts.facts_text(product.attributes))
        self.initial.setdefault("version", version_of(product.updated_at) if product.updated_at else "")

    def clean_option_lines(self) -> list[dict[str, Any]]:
        return texts.read_options(self.cleaned_data["option_lines"])

    def clean_fact_lines(self) -> dict[str, Any]:
        given = texts.read_facts(self.cleaned_data["fact_lines"], between="\n")
        # What was not touched keeps its type: a number that was imported stays one.
        before = self.instance.attributes
        return {name: before[name] if str(before.get(name)) == value else value for name, value in given.items()}

    def clean_tag_list(self) -> list[str]:
        tags = texts.list_of(self.cleaned_data["tag_list"])
        if any(len(tag) > 100 for tag in tags):
            raise forms.ValidationError("A tag has at most 100 characters.")
        return tags

    def changes(self) -> dict[str, Any]:
        """Return what was changed, as ``update_product`` takes it; of a new product, everything."""
        said = self.cleaned_data
        known = {
            "name": "name",
            "slug": "slug",
            "description": "description",
            "brand": "brand",
            "is_active": "is_active",
            "tax_class": "tax_class",
            "tag_list": "tags",
            "option_lines": "options",
            "fact_lines": "attributes",
        }
        wanted = {known[name]: said[name] for name in self.changed_data if name in known}
        if wanted.get("slug") == "":
            del wanted["slug"]
        if "category" in self.changed_data:
            wanted["category"] = str(said["category"].pk)
        return wanted


class VariantForm(Dressed):
    """A variant: what it is, and what it costs in the default market's currency. Stock is set only of a new one."""

    option_values = forms.CharField(required=False, label="Options", help_text="Size: S; Colour: red", max_length=1000)
    price = forms.DecimalField(**_AMOUNT)
    compare_at_price = forms.DecimalField(label="Compare at", **_AMOUNT)
    stock = forms.IntegerField(required=False, min_value=0, max_value=_MOST, label="Free stock")

    class Meta:
        model = Variant
        fields = ("sku", "weight_grams", "needs_shipping", "is_gift_card")

    field_order = [
        "sku",
        "option_values",
        "price",
        "compare_at_price",
        "stock",
        "weight_grams",
        "needs_shipping",
        "is_gift_card",
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:  # noqa: SLF001 - Django's own way to ask
            self.initial.setdefault("option_values", texts.facts_text(self.instance.options, between="; "))
            if "stock" in self.fields:
                self.fields["stock"].disabled = True
        elif "sku" in self.fields:
            self.fields["sku"].required = False
        for name in self.fields:
            self.fields[name].widget.attrs.setdefault("class", "")
        for name, label in (
            ("sku", "SKU"),
            ("weight_grams", "Weight, g"),
            ("needs_shipping", "Is sent"),
            ("is_gift_card", "Gift card"),
        ):
            if name in self.fields:
                self.fields[name].label = label

    def show(self, document: dict[str, Any]) -> None:
        """Fill in price and stock from what staff see of the product."""
        mine = next((each for each in document["variants"] if each["id"] == str(self.instance.pk)), None)
        if mine is None:
            return
        for name in ("price", "compare_at_price"):
            self.initial[name] = Decimal(mine[name]["amount"]) if mine[name] else None
        self.initial["stock"] = document["stock"]["variants"].get(str(self.instance.pk), 0)

    def clean_option_values(self) -> dict[str, str]:
        return texts.read_facts(self.cleaned_data["option_values"], between=";")

    def _get_validation_exclusions(self) -> set[str]:
        # Whose SKU it is, and whether it is one, the service knows.
        return {
            *super()._get_validation_exclusions(),  # type: ignore[misc]
            "sku",
        }

    def as_edit(self, *, is_removed: bool) -> VariantEdit:
        """Return what is to change of a variant that is there."""
        said = self.cleaned_data
        changes: dict[str, Any] = {name: said[name] for name in _OF_VARIANT if name in self.changed_data}
        if "option_values" in self.changed_data:
            changes["options"] = said["option_values"]
        if {"price", "compare_at_price"} & set(self.changed_data):
            changes["compare_at_price"] = _amount(said["compare_at_price"])
            if said["price"] is not None:
                changes["price"] = _amount(said["price"])
        return VariantEdit(id=self.instance.pk, changes=changes, is_removed=is_removed)

    def as_new(self) -> VariantData:
        """Return a variant that is not there yet."""
        said = self.cleaned_data
        return VariantData(
            sku=said["sku"] or None,
            options=said["option_values"],
            price=_amount(said["price"]),
            compare_at_price=_amount(said["compare_at_price"]),
            stock=said["stock"],
            weight_grams=said["weight_grams"],
            needs_shipping=said["needs_shipping"],
            is_gift_card=said["is_gift_card"],
        )


class VariantFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """The variants of a product. Three queries for all of them, beside their own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and not self.instance._state.adding:  # noqa: SLF001
            shown = selectors.get_product_for_staff(product_id=self.instance.pk).document
            for form in self.initial_forms:
                form.show(dict(shown))  # type: ignore[attr-defined]


class _Nothing(forms.Widget):
    """Shows nothing, and takes nothing."""

    def render(self, *args: Any, **kwargs: Any) -> SafeString:
        return SafeString("")

    def value_from_datadict(self, *args: Any) -> None:
        return None


class ImageForm(Dressed):
    """A picture: its text and its place; of a new one, the file. Another picture is another row."""

    upload = forms.FileField(required=False, label="New picture")

    class Meta:
        model = ProductImage
        fields = ("alt", "position")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "upload" in self.fields and not self.instance._state.adding:  # noqa: SLF001
            self.fields["upload"].widget = _Nothing()

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        is_new = self.instance._state.adding  # noqa: SLF001
        if is_new and self.has_changed() and not said.get("upload"):
            self.add_error("upload", "Choose a picture.")
        return said

    def as_edit(self, *, is_removed: bool) -> ImageEdit:
        """Return what is to change of a picture that is there."""
        said = self.cleaned_data
        return ImageEdit(id=self.instance.pk, alt=said["alt"], position=said["position"], is_removed=is_removed)


class PercentForm(StaffForm):
    """By how much prices change."""

    percent = forms.DecimalField(
        min_value=-100, max_value=1000, max_digits=7, decimal_places=3, help_text="-10 takes a tenth off."
    )
    currency = forms.CharField(max_length=3, required=False, help_text="Only prices in it. Left empty: all.")

    def clean_currency(self) -> str | None:
        code = self.cleaned_data["currency"].upper()
        if code and not money.is_currency(code):
            raise forms.ValidationError("Not in ISO 4217.")
        return code or None


class PriceForm(StaffForm):
    """A price in any currency."""

    sku = forms.ChoiceField(label="SKU")
    currency = forms.CharField(max_length=3, help_text="ISO 4217, such as EUR.")
    price = forms.DecimalField(min_value=0, max_digits=16, decimal_places=4)
    compare_at_price = forms.DecimalField(**_AMOUNT)

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()


class ImportForm(StaffForm):
    """A file of products."""

    file = forms.FileField(
        help_text="CSV, XLSX or JSON. Columns: sku, name, price, and any of description, category, brand, tags, "
        "compare_at_price, stock, weight_grams, images."
    )


def _amount(amount: Decimal | None) -> AmountGiven | None:
    return None if amount is None else AmountGiven(amount=amount)


def store_uploads(forms_of_pictures: list[Any]) -> tuple[list[StoredImage], list[str]]:
    """Clean and store new pictures; return them with their texts. No transaction is open.

    :raises NotAnImage, TooLarge, Unavailable: as ``core.images`` and ``core.media``
    """
    said = [form.cleaned_data for form in forms_of_pictures]
    clean = [images.clean_image(each["upload"]) for each in said]
    return media.store_images(clean, folder="products"), [each["alt"] for each in said]
