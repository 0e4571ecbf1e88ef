"""The form of a promotion, and those of its actions."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms

from accounts import selectors as account_reads
from core.admin import StaffForm, dressed
from markets import selectors as market_reads
from products import selectors as product_reads
from promotions.admin import texts
from promotions.domain import Benefit, Per
from promotions.models import Promotion
from promotions.services import MAX_BATCH, MAX_CODE, money_of

_MOST = 2**31 - 1
_BENEFITS = {
    Benefit.PERCENT: "A percentage off",
    Benefit.AMOUNT: "An amount off",
    Benefit.CHEAPEST: "A percentage off the cheapest unit",
    Benefit.BUY_X_GET_Y: "Buy some, get some",
    Benefit.TIERS: "Bulk tiers by units of a line",
    Benefit.FREE_SHIPPING: "Free shipping",
}
_PERS = {Per.ORDER: "All that matches, together", Per.LINE: "Each line", Per.UNIT: "Each unit"}


def _lines(label: str, help_text: str, *, rows: int = 2, most: int = 40_000) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(required=False, label=label, help_text=help_text, widget=widget, max_length=most)


class _LocalTimeField(forms.DateTimeField):
    """A time without an offset: where it is local is another field."""

    widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M:%S", attrs={"type": "datetime-local", "step": "1"})

    def to_python(self, value: Any) -> datetime | None:
        at: datetime | None = super().to_python(value)
        return at.replace(tzinfo=None) if at else None


class PromotionForm(forms.ModelForm):  # type: ignore[type-arg]
    """A promotion: lists as lines of text, times in its own time zone."""

    benefit = forms.ChoiceField(choices=[(benefit.value, label) for benefit, label in _BENEFITS.items()])
    per = forms.ChoiceField(choices=[(per.value, label) for per, label in _PERS.items()], label="Taken off")
    percent = forms.DecimalField(
        required=False, min_value=0, max_value=100, max_digits=5, decimal_places=2, help_text="10 takes a tenth off."
    )
    amount_lines = _lines("Amounts off", "One for each currency in which it holds. GBP 5.00")
    minimum_lines = _lines("Minimum spends", "One for each currency; with any, it holds in these alone. GBP 50.00")
    tier_lines = _lines("Tiers", "Units and percentage, one per line. 5: 10")
    category_ids = forms.MultipleChoiceField(required=False, label="Categories", help_text="With all below them.")
    skus = _lines("Variants", "SKUs, one per line.")
    product_ids = _lines("Products", "Ids, one per line, as the addresses of their pages have them.")
    tag_list = _lines("Tags", "Separated by commas. Left all four empty, it is about everything.", rows=1)
    market_codes = forms.MultipleChoiceField(required=False, label="Markets", help_text="None chosen: all.")
    group_codes = forms.MultipleChoiceField(
        required=False, label="Customer groups", help_text="None chosen: everybody."
    )
    starts = _LocalTimeField(required=False)
    ends = _LocalTimeField(required=False)

    class Meta:
        model = Promotion
        fields = (
            "name", "buy", "get", "minimum_quantity", "first_order_only", "time_zone", "priority", "is_exclusive",
            "needs_code", "usage_limit", "per_customer_limit", "is_active",
        )  # fmt: skip
        help_texts = {
            "buy": "Of every so many units …",
            "get": "… and so many more, the cheapest of these have the percentage off.",
            "minimum_quantity": "Units of what it is about.",
            "time_zone": "Where the times are local, such as Europe/Paris.",
            "priority": "The highest comes first.",
            "is_exclusive": "Beside no other promotion.",
            "needs_code": "Applies with one of its coupons, not by itself.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.fields:
            return
        for name in self.declared_fields:
            if name in self.fields:
                dressed(self.fields[name])
        _offer(self.fields, "market_codes", market_reads.list_markets(active_only=False).values_list("code", "name"))
        _offer(
            self.fields,
            "group_codes",
            account_reads.list_customer_groups().order_by("code").values_list("code", "name"),
        )
        _offer(self.fields, "category_ids", product_reads.list_categories().order_by("path").values_list("pk", "path"))
        for name, value in shown_values(self.instance).items():
            self.initial.setdefault(name, value)

    def clean_percent(self) -> int:
        return texts.percent_bp(self.cleaned_data["percent"] or Decimal(0))

    def clean_amount_lines(self) -> Any:
        return texts.read_money(self.cleaned_data["amount_lines"])

    def clean_minimum_lines(self) -> Any:
        return texts.read_money(self.cleaned_data["minimum_lines"])

    def clean_tier_lines(self) -> Any:
        return texts.read_tiers(self.cleaned_data["tier_lines"])

    def clean_product_ids(self) -> Any:
        return texts.read_ids(self.cleaned_data["product_ids"])

    def clean_category_ids(self) -> list[UUID]:
        return [UUID(chosen) for chosen in self.cleaned_data["category_ids"]]

    def clean_skus(self) -> list[UUID]:
        skus = texts.lines_of(self.cleaned_data["skus"])
        known = product_reads.variants_by_sku(skus=skus) if skus else {}
        unknown = [sku for sku in skus if sku not in known]
        if unknown:
            raise forms.ValidationError(f"There is no variant of that SKU: {', '.join(unknown)[:200]}")
        return [known[sku] for sku in skus]

    def clean_tag_list(self) -> list[str]:
        tags = texts.lines_of(self.cleaned_data["tag_list"])
        if any(len(tag) > 100 for tag in tags):
            raise forms.ValidationError("A tag has at most 100 characters.")
        return tags

    def changes(self) -> dict[str, Any]:
        """Return what was changed, in the words of ``PromotionData``; of a new promotion, everything."""
        is_new = self.instance._state.adding  # noqa: SLF001 - Django's own way to ask
        names = [name for name in self.fields if is_new or name in self.changed_data]
        wanted = {_NAMES.get(name, name): self.cleaned_data[name] for name in names}
        if "benefit" in wanted:
            wanted["benefit"] = Benefit(wanted["benefit"])
        if "per" in wanted:
            wanted["per"] = Per(wanted["per"])
        if "time_zone" in wanted:
            # What was entered is meant there, whether it was touched or not.
            wanted |= {"starts_at": self.cleaned_data["starts"], "ends_at": self.cleaned_data["ends"]}
        return wanted


_NAMES = {
    "percent": "percent_bp",
    "amount_lines": "amounts",
    "minimum_lines": "minimum_spends",
    "tier_lines": "tiers",
    "category_ids": "categories",
    "skus": "variants",
    "product_ids": "products",
    "tag_list": "tags",
    "market_codes": "markets",
    "group_codes": "groups",
    "starts": "starts_at",
    "ends": "ends_at",
}


def _offer(fields: Any, name: str, choices: Any) -> None:
    if name in fields:
        fields[name].choices = [(str(key), label) for key, label in choices]


def shown_values(row: Promotion) -> dict[str, Any]:
    """Return what the form shows of a row, or of a new one. One query where it is about variants."""
    labels = product_reads.labels(variant_ids=row.variants)
    zone = ZoneInfo(row.time_zone)
    return {
        "benefit": row.benefit or Benefit.PERCENT.value,
        "per": row.per,
        "percent": Decimal(row.percent_bp).scaleb(-2),
        "amount_lines": texts.money_text(money_of(row, "amount")),
        "minimum_lines": texts.money_text(money_of(row, "minimum_spend")),
        "tier_lines": texts.tiers_text(row.tiers),
        "category_ids": [str(each) for each in row.categories],
        "skus": "\n".join(label.sku for label in labels.values()),
        "product_ids": "\n".join(map(str, row.products)),
        "tag_list": ", ".join(row.tags),
        "market_codes": getattr(row, "market_codes", []),
        "group_codes": getattr(row, "group_codes", []),
        "starts": row.starts_at and row.starts_at.astimezone(zone).replace(tzinfo=None),
        "ends": row.ends_at and row.ends_at.astimezone(zone).replace(tzinfo=None),
    }


class _LimitsForm(StaffForm):
    usage_limit = forms.IntegerField(required=False, min_value=1, max_value=_MOST, help_text="Uses of each in all.")
    per_customer_limit = forms.IntegerField(required=False, min_value=1, max_value=_MOST, help_text="By one customer.")


class CouponForm(_LimitsForm):
    """One coupon."""

    code = forms.CharField(max_length=MAX_CODE, help_text="Capital and small letters are the same.")
    field_order = ["code", "usage_limit", "per_customer_limit"]


class BatchForm(_LimitsForm):
    """Many coupons."""

    batch = forms.CharField(max_length=100, label="Name of the batch")
    count = forms.IntegerField(min_value=1, max_value=MAX_BATCH)
    begins_with = forms.CharField(required=False, max_length=50, help_text="Before ten letters and digits by chance.")
    field_order = ["batch", "count", "begins_with", "usage_limit", "per_customer_limit"]
