"""Drafts and edits of orders, in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from accounts.api.serializers import AddressInput, AddressOutput, address_data
from core.api.fields import AmountField, BooleanField, IdField, IntegerField, MoneyField, TextField, TimeField
from core.api.pages import PageQuery
from core.api.serializers import Input
from core.money import as_document
from orders.api.receipts import ReceiptStepOutput, step_document
from orders.api.serializers import ADDRESS_EXAMPLE
from orders.domain import MAX_ITEMS, DraftStatus
from orders.services import DraftChanges, EditOrder, ItemWish, OrderChanges

if TYPE_CHECKING:
    from orders.models import DraftOrder, OrderEdit, PaymentLink
    from orders.selectors import DraftQuote

_STATUSES = [status.value for status in DraftStatus]


def _money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "GBP"}


ITEMS_EXAMPLE = [
    {"sku": "MUG-BLUE", "quantity": 2},
    {"variant": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c004", "quantity": 1, "unit_price": "9.00"},
]
DRAFT_EXAMPLE = {
    "id": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c060",
    "status": "open",
    "name": "Mugs for the office",
    "market": "uk",
    "currency": "GBP",
    "customer": None,
    "email": "ada@example.com",
    "items": [
        {
            "variant": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c004",
            "sku": "MUG-BLUE",
            "name": "Blue mug",
            "quantity": 2,
            "unit_price": _money("9.00"),
        }
    ],
    "shipping_address": ADDRESS_EXAMPLE,
    "billing_address": None,
    "shipping_method": "",
    "coupon": "",
    "vat_id": "",
    "note": "",
    "author": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c021",
    "order": None,
    "created_at": "2026-11-21T12:00:00Z",
    "updated_at": "2026-11-21T12:00:00Z",
}
QUOTE_EXAMPLE = {
    "draft": DRAFT_EXAMPLE["id"],
    "currency": "GBP",
    "items": [
        {
            "variant": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c004",
            "sku": "MUG-BLUE",
            "name": "Blue mug",
            "quantity": 2,
            "unit_price": _money("9.00"),
            "is_agreed": True,
            "subtotal": _money("18.00"),
            "discount": _money("0.00"),
            "in_stock": True,
        }
    ],
    "subtotal": _money("18.00"),
    "discount": _money("0.00"),
    "shipping": _money("3.95"),
    "tax": _money("0.00"),
    "total": _money("21.95"),
    "tax_included": _money("3.66"),
    "shipping_method": "standard",
    "warnings": [],
    "steps": [],
}
EDIT_EXAMPLE = {
    "id": 17,
    "at": "2026-11-21T12:00:00Z",
    "actor": "01937f5e-7c3a-7b60-9a57-0d6a4bd3c021",
    "reason": "Rang for one more.",
    "total_before": _money("12.50"),
    "total_after": _money("25.00"),
    "changes": [{"sku": "MUG-BLUE", "name": "Blue mug", "before": 1, "after": 2}, {"what": "total"}],
}
LINK_EXAMPLE = {
    "url": "https://shop.example/pay/tSx0yTg9cC2mY1vJ8nQ4eL7wZ5aB3dF6",
    "expires_at": "2026-12-05T12:00:00Z",
}


class ItemInput(Input):
    """Units of a variant, named by id or SKU. With ``unit_price`` that price was agreed: no promotion changes it."""

    variant = IdField(required=False)
    sku = TextField(required=False, max_length=64)
    quantity = IntegerField(min_value=1, max_value=99_999)
    unit_price = AmountField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("variant" in attrs) == ("sku" in attrs):
            raise serializers.ValidationError({"variant": ["Give either variant or sku."]}, code="either")
        return attrs


class _Changes(Input):
    """What drafts and orders have in common."""

    items = ItemInput(many=True, required=False, max_length=MAX_ITEMS)  # type: ignore[call-arg]
    email = serializers.EmailField(required=False, max_length=254)
    shipping_method = TextField(required=False, allow_blank=True, max_length=40)
    coupon = TextField(required=False, allow_blank=True, max_length=64)
    vat_id = TextField(required=False, allow_blank=True, max_length=20)
    note = TextField(required=False, allow_blank=True, multiline=True, max_length=1000)
    billing_address = AddressInput(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name in ("shipping_address", "billing_address"):
            if attrs.get(name) is not None:
                attrs[name] = address_data(attrs[name])
        if "items" in attrs:
            attrs["items"] = [ItemWish(**item) for item in attrs["items"]]
        return attrs


class DraftInput(_Changes):
    """What is said of a draft; what is left out stays as it is. ``customer`` is an account's id."""

    name = TextField(required=False, allow_blank=True, max_length=120)
    customer = IdField(required=False, allow_null=True)
    shipping_address = AddressInput(required=False, allow_null=True)

    def changes(self) -> DraftChanges:
        """Return what is to be changed."""
        return DraftChanges(**self.validated_data)  # type: ignore[typeddict-item]


class NewDraftInput(DraftInput):
    """A new draft: its market is for ever."""

    market = TextField(required=False, max_length=20)

    def changes(self) -> DraftChanges:
        given = dict(self.validated_data)
        given.pop("market", None)
        return DraftChanges(**given)  # type: ignore[typeddict-item]


class PlaceDraftInput(Input):
    """Until when it may be paid (without it, for 14 days), and the total that was seen."""

    expires_at = TimeField(required=False)
    expected_total = MoneyField(required=False)


class EditInput(_Changes):
    """What is changed of an order, and why; what is left out stays. ``items`` are all of them, in their order."""

    shipping_address = AddressInput(required=False)
    reason = TextField(required=False, allow_blank=True, max_length=300, default="")
    expected_total = MoneyField(required=False)

    def wish(self, *, versions: tuple[str, ...] | None, request_key: str) -> EditOrder:
        """Return what is to be changed."""
        given = dict(self.validated_data)
        return EditOrder(
            reason=given.pop("reason"),
            expected_total=given.pop("expected_total", None),
            versions=versions,
            request_key=request_key,
            changes=OrderChanges(**given),  # type: ignore[typeddict-item]
        )


class PaymentLinkInput(Input):
    """Whether the link is mailed to the buyer."""

    send = BooleanField(required=False, default=False)


class DraftQuery(PageQuery):
    """Filters of the list."""

    status = serializers.ChoiceField(choices=_STATUSES, required=False)


class DraftItemOutput(serializers.Serializer[Any]):
    """A line of a draft. ``unit_price`` is what was agreed, ``null`` where the usual price holds."""

    variant = serializers.UUIDField()
    sku = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = MoneyField(allow_null=True)


class DraftOutput(serializers.Serializer[Any]):
    """An order that staff write. Once placed, ``order`` is its id."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=_STATUSES)
    name = serializers.CharField(allow_blank=True)
    market = serializers.CharField()
    currency = serializers.CharField()
    customer = serializers.UUIDField(allow_null=True)
    email = serializers.CharField(allow_blank=True)
    items = DraftItemOutput(many=True)
    shipping_address = AddressOutput(allow_null=True)
    billing_address = AddressOutput(allow_null=True)
    shipping_method = serializers.CharField(allow_blank=True)
    coupon = serializers.CharField(allow_blank=True)
    vat_id = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)
    author = serializers.UUIDField(allow_null=True)
    order = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class DraftListOutput(serializers.Serializer[Any]):
    """A page of drafts."""

    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    next_cursor = serializers.CharField(required=False)
    results = DraftOutput(many=True)


class QuotedItemOutput(serializers.Serializer[Any]):
    """A line as it would be sold now; what is not sold any more has no price."""

    variant = serializers.UUIDField()
    sku = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = MoneyField(allow_null=True)
    is_agreed = serializers.BooleanField()
    subtotal = MoneyField(allow_null=True)
    discount = MoneyField(allow_null=True)
    in_stock = serializers.BooleanField()


class QuoteWarningOutput(serializers.Serializer[Any]):
    """What speaks against it."""

    code = serializers.CharField()
    message = serializers.CharField()
    variant = serializers.UUIDField(allow_null=True)


class DraftQuoteOutput(serializers.Serializer[Any]):
    """What a draft would cost now, and why. Stores nothing."""

    draft = serializers.UUIDField()
    currency = serializers.CharField()
    items = QuotedItemOutput(many=True)
    subtotal = MoneyField()
    discount = MoneyField()
    shipping = MoneyField()
    tax = MoneyField()
    total = MoneyField()
    tax_included = MoneyField()
    shipping_method = serializers.CharField(allow_blank=True)
    warnings = QuoteWarningOutput(many=True)
    steps = ReceiptStepOutput(many=True)


class EditOutput(serializers.Serializer[Any]):
    """What staff changed: units by line, and the names of what else."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    total_before = MoneyField()
    total_after = MoneyField()
    changes = serializers.ListField(child=serializers.DictField())


class EditListOutput(serializers.Serializer[Any]):
    """All edits of an order, oldest first."""

    results = EditOutput(many=True)


class PaymentLinkOutput(serializers.Serializer[Any]):
    """Whoever has the address pays the order there."""

    url = serializers.CharField()
    expires_at = serializers.DateTimeField()


def draft_document(draft: DraftOrder) -> dict[str, Any]:
    """Return a draft. Reads its market, which the selectors bring along."""
    currency = draft.market.currency
    same = ("name", "email", "shipping_address", "billing_address", "shipping_method", "coupon", "vat_id", "note")
    return {
        "id": draft.pk,
        "status": draft.status,
        "market": draft.market.code,
        "currency": currency,
        "customer": draft.customer_id,
        "items": [_item(item, currency) for item in draft.items],
        **{name: getattr(draft, name) for name in same},
        "author": draft.author_id,
        "order": draft.order_id,
        "created_at": draft.created_at,
        "updated_at": draft.updated_at,
    }


def quote_document(drawn: DraftQuote) -> dict[str, Any]:
    """Return what a draft would cost."""
    quote, view = drawn.quote, drawn.view
    currency = quote.currency
    sums = ("subtotal", "discount", "shipping", "tax", "total")
    method = quote.priced.method
    return {
        "draft": drawn.draft.pk,
        "currency": currency,
        "items": [
            _quoted(item, line.priced, currency) for item, line in zip(drawn.draft.items, view.lines, strict=True)
        ],
        **{name: as_document(getattr(quote, f"{name}_minor"), currency) for name in sums},
        "tax_included": as_document(quote.priced.contained_minor, currency),
        "shipping_method": method.code if method else "",
        "warnings": [{"code": w.code, "message": w.message, "variant": w.variant_id} for w in view.warnings],
        "steps": [step_document(step, currency) for step in quote.priced.receipt],
    }


def edit_document(edit: OrderEdit, currency: str) -> dict[str, Any]:
    """Return an edit of an order in that currency."""
    return {
        "id": edit.pk,
        "at": edit.at,
        "actor": edit.actor_id,
        "reason": edit.reason,
        "total_before": as_document(edit.total_before_minor, currency),
        "total_after": as_document(edit.total_after_minor, currency),
        "changes": edit.changes,
    }


def link_document(link: PaymentLink, url: str) -> dict[str, Any]:
    """Return a payment link."""
    return {"url": url, "expires_at": link.expires_at}


def _item(item: dict[str, Any], currency: str) -> dict[str, Any]:
    agreed = item["unit_price_minor"]
    return {
        **{name: item[name] for name in ("variant", "sku", "name", "quantity")},
        "unit_price": None if agreed is None else as_document(agreed, currency),
    }


def _quoted(item: dict[str, Any], line: Any, currency: str) -> dict[str, Any]:
    return {
        **{name: item[name] for name in ("variant", "sku", "name", "quantity")},
        "unit_price": as_document(line.unit_price_minor, currency) if line else None,
        "is_agreed": item["unit_price_minor"] is not None,
        "subtotal": as_document(line.line_total_minor, currency) if line else None,
        "discount": as_document(line.price.discount_minor, currency) if line else None,
        "in_stock": bool(line and not line.is_short),
    }
