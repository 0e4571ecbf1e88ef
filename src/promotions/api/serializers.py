"""Promotions and coupons as they are sent and received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from core import money
from core.api.fields import BooleanField, IdField, IntegerField, MoneyField, TextField
from core.api.pages import PageQuery
from core.api.serializers import Input
from promotions.api.fields import LocalTimeField, PercentField, percent_text
from promotions.domain import Benefit, Per
from promotions.services import MAX_BATCH, MAX_CODE, PromotionData, money_of

if TYPE_CHECKING:
    from promotions.models import Promotion

_MAX_TARGETS = 1000
_MAX_CURRENCIES = 200
_MAX_TIERS = 20
_BENEFITS = [benefit.value for benefit in Benefit]
_PERS = [per.value for per in Per]
_LOCAL = "Without an offset, local time in `time_zone`."


def _ids(what: str) -> serializers.ListField:
    return serializers.ListField(child=IdField(), max_length=_MAX_TARGETS, required=False, help_text=what)


def _money(what: str) -> serializers.ListField:
    return serializers.ListField(child=MoneyField(), max_length=_MAX_CURRENCIES, required=False, help_text=what)


def _limit(what: str) -> IntegerField:
    return IntegerField(min_value=1, required=False, allow_null=True, help_text=what)


class TierInput(Input):
    """So much off a line of at least so many units."""

    quantity = IntegerField(min_value=1)
    percent = PercentField()


class PromotionChanges(Input):
    """What is to change of a promotion."""

    name = TextField(required=False)
    benefit = serializers.ChoiceField(choices=_BENEFITS, required=False)
    per = serializers.ChoiceField(choices=_PERS, required=False, help_text="What an amount or percentage is taken off.")
    percent = PercentField(required=False, help_text="Of `percent`, `cheapest` and `buy_x_get_y`; else `0`.")
    amounts = _money("Of `amount`: one for each currency in which it holds.")
    minimum_spends = _money("One for each currency; with any, it holds in these currencies alone.")
    buy = IntegerField(min_value=0, required=False, help_text="Of `buy_x_get_y`: of every `buy` + `get` units …")
    get = IntegerField(min_value=0, required=False, help_text="… the cheapest `get` have `percent` off.")
    tiers = TierInput(many=True, required=False, max_length=_MAX_TIERS)  # type: ignore[call-arg]
    minimum_quantity = IntegerField(min_value=0, required=False, help_text="Units of what matches.")
    products = _ids("Lines that match; without products, variants, categories and tags, all do.")
    variants = _ids("Lines that match.")
    categories = _ids("Lines that match, with all categories below.")
    tags = serializers.ListField(child=TextField(max_length=100), max_length=_MAX_TARGETS, required=False)
    markets = serializers.ListField(
        child=TextField(max_length=20), max_length=_MAX_TARGETS, required=False, help_text="Codes; empty is everywhere."
    )
    groups = serializers.ListField(
        child=TextField(max_length=50), max_length=_MAX_TARGETS, required=False, help_text="Codes; empty is everybody."
    )
    first_order_only = BooleanField(required=False)
    starts_at = LocalTimeField(required=False, allow_null=True, help_text=_LOCAL)
    ends_at = LocalTimeField(required=False, allow_null=True, help_text=_LOCAL)
    time_zone = TextField(max_length=64, required=False, help_text="IANA name, such as `Europe/Paris`.")
    priority = IntegerField(required=False, help_text="The highest comes first.")
    is_exclusive = BooleanField(required=False, help_text="Beside no other promotion.")
    needs_code = BooleanField(required=False, help_text="Applies with one of its coupons, not by itself.")
    usage_limit = _limit("Uses in all.")
    per_customer_limit = _limit("Uses by one customer.")
    is_active = BooleanField(required=False)


class PromotionInput(PromotionChanges):
    """A new promotion."""

    name = TextField()
    benefit = serializers.ChoiceField(choices=_BENEFITS)


class PromotionQuery(PageQuery):
    """Filters of the list."""

    is_active = BooleanField(from_text=True, required=False)
    needs_code = BooleanField(from_text=True, required=False)
    search = TextField(required=False, help_text="In names.")


class TierOutput(serializers.Serializer):  # type: ignore[type-arg]
    """So much off a line of at least so many units."""

    quantity = serializers.IntegerField()
    percent = serializers.CharField()


class PromotionOutput(serializers.Serializer):  # type: ignore[type-arg]
    """A promotion, with how often it was used in orders that were not cancelled."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    benefit = serializers.ChoiceField(choices=_BENEFITS)
    per = serializers.ChoiceField(choices=_PERS)
    percent = serializers.CharField()
    amounts = serializers.ListField(child=MoneyField())
    minimum_spends = serializers.ListField(child=MoneyField())
    buy = serializers.IntegerField()
    get = serializers.IntegerField()
    tiers = TierOutput(many=True)
    minimum_quantity = serializers.IntegerField()
    products = serializers.ListField(child=serializers.UUIDField())
    variants = serializers.ListField(child=serializers.UUIDField())
    categories = serializers.ListField(child=serializers.UUIDField())
    tags = serializers.ListField(child=serializers.CharField())
    markets = serializers.ListField(child=serializers.CharField())
    groups = serializers.ListField(child=serializers.CharField())
    first_order_only = serializers.BooleanField()
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    time_zone = serializers.CharField()
    priority = serializers.IntegerField()
    is_exclusive = serializers.BooleanField()
    needs_code = serializers.BooleanField()
    usage_limit = serializers.IntegerField(allow_null=True)
    per_customer_limit = serializers.IntegerField(allow_null=True)
    uses = serializers.IntegerField()
    is_active = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class _Page(serializers.Serializer):  # type: ignore[type-arg]
    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    next_cursor = serializers.CharField(required=False)


class PromotionPage(_Page):
    """A page of promotions."""

    results = PromotionOutput(many=True)


class CouponInput(Input):
    """One coupon by its ``code``; or a batch: ``count`` codes that nobody guesses, each behind ``prefix``."""

    code = TextField(max_length=MAX_CODE, required=False)
    count = IntegerField(min_value=1, max_value=MAX_BATCH, required=False)
    batch = TextField(max_length=100, required=False, help_text="Name of the batch.")
    prefix = TextField(max_length=50, required=False, allow_blank=True)
    usage_limit = _limit("Uses of each coupon; of a batch 1, unless told otherwise.")
    per_customer_limit = _limit("Uses of each coupon by one customer.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("code" in attrs) == ("count" in attrs):
            raise serializers.ValidationError({"code": ["Give either code or count."]}, code="either")
        if "count" in attrs and "batch" not in attrs:
            raise serializers.ValidationError({"batch": ["This field is required."]}, code="required")
        if "code" in attrs and {"batch", "prefix"} & attrs.keys():
            raise serializers.ValidationError({"batch": ["Only with count."]}, code="either")
        return attrs


class CouponQuery(PageQuery):
    """Filters of the list."""

    batch = TextField(max_length=100, required=False)
    code = TextField(max_length=MAX_CODE, required=False)


class CouponOutput(serializers.Serializer):  # type: ignore[type-arg]
    """A coupon, with how often it was used in orders that were not cancelled."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    batch = serializers.CharField(allow_blank=True)
    usage_limit = serializers.IntegerField(allow_null=True)
    per_customer_limit = serializers.IntegerField(allow_null=True)
    uses = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class CouponPage(_Page):
    """A page of coupons."""

    results = CouponOutput(many=True)


class CouponsMadeOutput(serializers.Serializer):  # type: ignore[type-arg]
    """The codes that were made."""

    count = serializers.IntegerField()
    codes = serializers.ListField(child=serializers.CharField())


def promotion_changes(values: dict[str, Any]) -> dict[str, Any]:
    """Return what a validated ``PromotionChanges`` asks for, in the words of ``PromotionData``."""
    changes = dict(values)
    if "percent" in changes:
        changes["percent_bp"] = changes.pop("percent")
    if "benefit" in changes:
        changes["benefit"] = Benefit(changes["benefit"])
    if "per" in changes:
        changes["per"] = Per(changes["per"])
    if "tiers" in changes:
        changes["tiers"] = [(tier["quantity"], tier["percent"]) for tier in changes["tiers"]]
    return changes


def promotion_data(values: dict[str, Any]) -> PromotionData:
    """Return what a validated ``PromotionInput`` asks for."""
    return PromotionData(**promotion_changes(values))


_AS_THEY_ARE = (
    "id", "name", "benefit", "per", "buy", "get", "minimum_quantity", "products", "variants", "categories", "tags",
    "first_order_only", "starts_at", "ends_at", "time_zone", "priority", "is_exclusive", "needs_code",
    "usage_limit", "per_customer_limit", "is_active", "created_at", "updated_at",
)  # fmt: skip


def promotion_document(promotion: Any) -> dict[str, Any]:
    """Return a promotion of ``list_promotions`` as it is sent."""
    return {
        **{name: getattr(promotion, name) for name in _AS_THEY_ARE},
        "percent": percent_text(promotion.percent_bp),
        "amounts": _money_documents(promotion, "amount"),
        "minimum_spends": _money_documents(promotion, "minimum_spend"),
        "tiers": [{"quantity": units, "percent": percent_text(bp)} for units, bp in promotion.tiers],
        "markets": promotion.market_codes,
        "groups": promotion.group_codes,
        "uses": promotion.times_used,
    }


def coupon_document(coupon: Any) -> dict[str, Any]:
    """Return a coupon of ``list_coupons`` as it is sent."""
    plain = ("id", "code", "batch", "usage_limit", "per_customer_limit", "created_at")
    return {**{name: getattr(coupon, name) for name in plain}, "uses": coupon.times_used}


def _money_documents(promotion: Promotion, kind: str) -> list[dict[str, str]]:
    return [money.as_document(each.minor, each.currency) for each in money_of(promotion, kind)]
