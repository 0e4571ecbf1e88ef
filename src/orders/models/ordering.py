from __future__ import annotations

from secrets import compare_digest
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.domain import email_key
from core.fields import (
    BlindIndexField,
    CurrencyField,
    EncryptedJSONField,
    EncryptedTextField,
    LateSealedTextField,
)
from core.models import Entity, LockingQuerySet
from orders.domain import MovedBy, OrderStatus

if TYPE_CHECKING:
    from accounts.models import User

STATUSES = [(s.value, s.value) for s in OrderStatus]


class Order(Entity):
    """What someone agreed to buy. Addresses are snapshots, sealed at rest; so is a guest's token."""

    number = models.CharField(max_length=20, unique=True)
    # The cart that it came from: the same cart twice is the same order.
    cart_id = models.UUIDField(null=True, blank=True, unique=True)
    # The number it has elsewhere, such as the invoice that it was imported from.
    external_number = models.CharField(max_length=60, blank=True)
    customer = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    guest_token = EncryptedTextField(blank=True)
    email = LateSealedTextField(blank=True)
    email_key = BlindIndexField(of="email", fold=email_key, blank=True, default="", db_default="")
    market = models.ForeignKey("markets.Market", on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=STATUSES, default=OrderStatus.PENDING.value)
    currency = CurrencyField()
    subtotal_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField(default=0)
    shipping_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    total_minor = models.BigIntegerField()
    shipping_address = EncryptedJSONField(null=True)
    billing_address = EncryptedJSONField(null=True, blank=True)
    shipping_method = models.CharField(max_length=40, blank=True)
    coupon = models.CharField(max_length=64, blank=True)
    vat_id = EncryptedTextField(blank=True)
    # Tax inside the prices; ``tax_minor`` is what stands on top (below zero: what is taken out of them).
    contained_minor = models.BigIntegerField(default=0)
    note = LateSealedTextField(blank=True)
    # Whether any of its lines is one: so nobody has to read them to know.
    has_gift_cards = models.BooleanField(default=False, db_default=False)
    placed_at = models.DateTimeField()
    # When an unpaid order lapses; empty once it is paid or cancelled.
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    total_minor=F("subtotal_minor") - F("discount_minor") + F("shipping_minor") + F("tax_minor")
                ),
                name="order_total_adds_up",
            ),
            models.CheckConstraint(condition=Q(total_minor__gte=0), name="order_total_not_negative"),
            models.UniqueConstraint(
                fields=["external_number"], condition=~Q(external_number=""), name="order_external_number"
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-placed_at", "-id"], name="order_of_customer"),
            models.Index(fields=["-placed_at", "-id"], name="order_newest"),
            models.Index(fields=["status", "-placed_at", "-id"], name="order_by_status"),
            models.Index(fields=["email_key"], name="order_email_key"),
            # Not of a state: who asks for one may be sent through all orders of that state.
            models.Index(fields=["expires_at", "id"], name="order_to_expire", condition=Q(expires_at__isnull=False)),
        ]
        permissions = [
            ("move_order", "Moves orders through their states"),
            ("receive_order_alerts", "Is told of new orders"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def version(self) -> str:
        """Its state as an entity tag: another after every change."""
        return f'"{int(self.updated_at.timestamp() * 1_000_000):x}"'

    def is_shown_to(self, *, token: str | None, viewer: User | None) -> bool:
        """Tell whether a guest's order is asked for with its token; other orders were scoped by their customer."""
        if self.customer_id is not None or (viewer is not None and viewer.is_staff and not token):
            return True
        if not token or not self.guest_token:
            return False
        return compare_digest(token.encode("utf-8", "replace"), self.guest_token.encode())

    def belongs_to(self, *, token: str | None, viewer: User | None) -> bool:
        """Tell whether the viewer is its customer, or the guest with its token."""
        if self.customer_id is not None:
            return viewer is not None and viewer.pk == self.customer_id
        return bool(token) and self.is_shown_to(token=token, viewer=None)


class OrderLine(Entity):
    """One line as bought. The product may change or go; the line stays."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    product = models.ForeignKey("products.Product", on_delete=models.PROTECT, related_name="+")
    variant = models.ForeignKey("products.Variant", on_delete=models.PROTECT, related_name="+")
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=300)
    options = models.JSONField(default=dict)
    quantity = models.PositiveIntegerField()
    unit_price_minor = models.BigIntegerField()
    subtotal_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    contained_minor = models.BigIntegerField(default=0)
    # In millionths: 20 % is 200 000.
    tax_ppm = models.PositiveIntegerField(default=0)
    # Each of its units becomes a gift card of its price.
    is_gift_card = models.BooleanField(default=False, db_default=False)
    # What became of the units; what is none of it is still owed.
    shipped = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    # Units for which a return is open: no second one may be asked for.
    returning = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gte=F("shipped") + F("cancelled")), name="order_line_ships_what_was_bought"
            ),
            models.CheckConstraint(
                condition=Q(shipped__gte=F("returned") + F("returning")), name="order_line_returns_what_was_shipped"
            ),
            models.CheckConstraint(
                condition=Q(discount_minor__gte=0, discount_minor__lte=F("subtotal_minor")),
                name="order_line_discount_within_price",
            ),
            models.UniqueConstraint(fields=["order", "position"], name="order_line_position"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_line_of_something"),
            models.CheckConstraint(
                condition=Q(subtotal_minor=F("unit_price_minor") * F("quantity")), name="order_line_adds_up"
            ),
        ]

    @property
    def open(self) -> int:
        """Units that are still owed."""
        return self.quantity - self.shipped - self.cancelled


class OrderReceipt(models.Model):
    """Why the order costs what it costs: all that its price depended on, and each rule that was tried. Append-only.

    An order that is priced anew gets another; the one with the highest revision holds.
    """

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="receipts", db_index=False)
    revision = models.PositiveIntegerField(default=1)
    # JSON of ``pricing.domain.CartFacts`` and of its steps, as they were.
    facts = models.TextField()
    steps = models.TextField()

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "revision"], name="order_receipt_revision")]


class OrderMove(models.Model):
    """One step of an order's history: who, when, why. Append-only."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="moves")
    from_status = models.CharField(max_length=10, choices=STATUSES, blank=True)
    to_status = models.CharField(max_length=10, choices=STATUSES)
    at = models.DateTimeField()
    actor = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    by = models.CharField(max_length=10, choices=[(b.value, b.value) for b in MovedBy])
    reason = models.CharField(max_length=300, blank=True)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["order", "id"], name="order_move_history")]


class OrderNote(Entity):
    """What staff want each other to know; never shown to the customer."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    text = LateSealedTextField()
