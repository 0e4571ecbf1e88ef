"""What orders hold of a person: each with all that followed from it, and what staff drafted.

Left out is who of the staff did what, and the notes by which staff tell each other: they are about others, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rest_framework import serializers

from core.api.fields import MoneyField
from core.money import as_document
from core.pagination import walk
from core.personal import PersonalPart
from orders import selectors
from orders.api.drafts_serializers import DraftOutput, EditOutput, draft_document, edit_document
from orders.api.invoices import InvoiceOutput, invoice_document
from orders.api.payments_serializers import PaymentOutput, payment_document
from orders.api.receipts import ReceiptOutput, receipt_document
from orders.api.refunds_serializers import RefundOutput, refund_document
from orders.api.returns_outputs import ReturnOutput, return_document
from orders.api.serializers import OrderOutput, order_document
from orders.api.withdrawals import WithdrawalOutput, withdrawal_document
from payments.domain import AttemptStatus
from promotions import selectors as promotion_reads

if TYPE_CHECKING:
    from orders.models import DraftOrder, Invoice
    from orders.selectors import PersonalOrder
    from payments.models import Attempt, Balance, Payment
    from promotions.models import PromotionUse


class HeldAttemptOutput(serializers.Serializer[Any]):
    """A try to pay. Of a card no more than this is here."""

    id = serializers.UUIDField()
    provider = serializers.CharField()
    reference = serializers.CharField(allow_blank=True)
    method = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=[status.value for status in AttemptStatus])
    amount = MoneyField()
    failure = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class HeldPaymentOutput(PaymentOutput):
    """A payment with every try, without what let the shopper go on with one."""

    next_action = None  # type: ignore[assignment]
    attempts = HeldAttemptOutput(many=True)


class HeldInvoiceOutput(InvoiceOutput):
    """An invoice or a credit note, the persons on it, and all that stands on it as it was issued."""

    buyer = serializers.JSONField()
    deliver_to = serializers.JSONField()
    paper = serializers.JSONField()


class HeldEditOutput(EditOutput):
    """What staff changed of an order before it was paid."""

    actor = None  # type: ignore[assignment]


class HeldDraftOutput(DraftOutput):
    """What staff drafted for the person."""

    author = None  # type: ignore[assignment]


class SoldGiftCardOutput(serializers.Serializer[Any]):
    """A gift card that was bought, and where its code was mailed. What is on it is the business of who has it."""

    id = serializers.UUIDField()
    code_end = serializers.CharField()
    currency = serializers.CharField()
    recipient = serializers.CharField(allow_blank=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class PromotionUseOutput(serializers.Serializer[Any]):
    """A promotion that the order had; given back where it was cancelled."""

    promotion = serializers.CharField()
    coupon = serializers.CharField(allow_blank=True)
    amount = MoneyField()
    used_at = serializers.DateTimeField()
    returned_at = serializers.DateTimeField(allow_null=True)


class HeldOrderOutput(OrderOutput):
    """An order, with all that followed from it."""

    token = None  # type: ignore[assignment]
    market = serializers.CharField()
    cart = serializers.UUIDField(allow_null=True)
    external_number = serializers.CharField(allow_blank=True)
    vat_id = serializers.CharField(allow_blank=True)
    updated_at = serializers.DateTimeField()
    payment = HeldPaymentOutput(allow_null=True)
    refunds = RefundOutput(many=True)
    returns = ReturnOutput(many=True)
    withdrawals = WithdrawalOutput(many=True)
    invoices = HeldInvoiceOutput(many=True)
    edits = HeldEditOutput(many=True)
    receipts = ReceiptOutput(many=True)
    gift_cards = SoldGiftCardOutput(many=True)
    promotions = PromotionUseOutput(many=True)


class PersonalOrdersOutput(serializers.Serializer[Any]):
    """The person's orders, oldest first; how many of them count for promotions; and drafts."""

    orders = HeldOrderOutput(many=True)
    orders_counted = serializers.IntegerField()
    drafts = HeldDraftOutput(many=True)


def _read(user_id: UUID) -> Mapping[str, Any]:
    return {
        "orders": map(_order, selectors.personal_orders(customer_id=user_id)),
        "orders_counted": promotion_reads.orders_counted(customer_id=user_id),
        "drafts": _drafts(user_id),
    }


def _order(held: PersonalOrder) -> dict[str, Any]:
    order = held.order
    document = order_document(order)
    del document["token"]
    return {
        **document,
        "market": order.market.code,
        "cart": order.cart_id,
        "external_number": order.external_number,
        "vat_id": order.vat_id,
        "updated_at": order.updated_at,
        **_money(held.payment),
        "returns": [return_document(back) for back in _in_turn(order.returns)],
        "withdrawals": [withdrawal_document(row) for row in _in_turn(order.withdrawals)],
        "invoices": [_invoice(row) for row in _in_turn(order.invoices)],
        "edits": [_without(edit_document(row, order.currency), "actor") for row in _in_turn(order.edits)],
        "receipts": [receipt_document(receipt) for receipt in held.receipts],
        "gift_cards": [_gift_card(card) for card in held.gift_cards],
        "promotions": [_use(use) for use in held.uses],
    }


def _money(payment: Payment | None) -> dict[str, Any]:
    if payment is None:
        return {"payment": None, "refunds": []}
    attempts = [_attempt(attempt, payment.currency) for attempt in _in_turn(payment.attempts)]
    return {
        "payment": _without(payment_document(payment), "next_action") | {"attempts": attempts},
        "refunds": [refund_document([refund]) for refund in _in_turn(payment.refunds)],
    }


def _attempt(attempt: Attempt, currency: str) -> dict[str, Any]:
    return {
        "id": attempt.pk,
        "provider": attempt.provider,
        "reference": attempt.provider_reference,
        "method": attempt.method,
        "status": attempt.status,
        "amount": as_document(attempt.amount_minor, currency),
        "failure": attempt.failure,
        "created_at": attempt.created_at,
    }


def _invoice(invoice: Invoice) -> dict[str, Any]:
    known = invoice.parties.known
    parties = {"buyer": known["buyer"], "deliver_to": known["deliver_to"]}
    return {**invoice_document(invoice), **parties, "paper": invoice.document}


def _gift_card(card: Balance) -> dict[str, Any]:
    same = ("code_end", "currency", "recipient", "expires_at", "created_at")
    return {"id": card.pk, **{name: getattr(card, name) for name in same}}


def _use(use: PromotionUse) -> dict[str, Any]:
    return {
        "promotion": use.promotion.name,
        "coupon": use.coupon.code if use.coupon else "",
        "amount": as_document(use.amount_minor, use.currency),
        "used_at": use.used_at,
        "returned_at": use.returned_at,
    }


def _drafts(user_id: UUID) -> Iterator[dict[str, Any]]:
    for drafts in walk(selectors.drafts_for(customer_id=user_id), order=("pk",)):
        yield from map(_draft, drafts)


def _draft(draft: DraftOrder) -> dict[str, Any]:
    return _without(draft_document(draft), "author")


def _in_turn(rows: Any) -> list[Any]:
    """Return related rows, which were read with theirs, in the order in which they came."""
    return sorted(rows.all(), key=lambda row: row.pk)


def _without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


PART = PersonalPart(name="orders", output=PersonalOrdersOutput, read=_read)
