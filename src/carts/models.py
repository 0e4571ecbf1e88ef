from __future__ import annotations

from django.db import models
from django.db.models import Q

from carts.domain import CartState, Terms
from core.fields import EncryptedTextField
from core.models import Entity


class Cart(Entity):
    """What someone is about to buy. A guest's is named by a token, of which the digest is kept."""

    owner = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    token_digest = models.CharField(max_length=64, null=True, blank=True, unique=True)
    market = models.ForeignKey("markets.Market", on_delete=models.PROTECT, related_name="+")
    state = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in CartState], default=CartState.OPEN.value
    )
    used_at = models.DateTimeField()
    # What is wished beside the goods: a code, a method, and where it goes as far as prices depend on it.
    coupon = models.CharField(max_length=64, blank=True)
    shipping_method = models.CharField(max_length=40, blank=True)
    country = models.CharField(max_length=2, blank=True)
    region = models.CharField(max_length=100, blank=True)
    postal_code = EncryptedTextField(blank=True)
    vat_id = EncryptedTextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner"], condition=Q(state=CartState.OPEN.value), name="cart_one_open_per_owner"
            ),
            models.CheckConstraint(
                condition=Q(owner__isnull=False) | Q(token_digest__isnull=False), name="cart_is_someones"
            ),
        ]
        indexes = [
            models.Index(fields=["used_at"], name="cart_unused", condition=~Q(state=CartState.ORDERED.value)),
        ]

    @property
    def terms(self) -> Terms:
        """What is wished beside the goods."""
        return Terms(
            coupon=self.coupon,
            shipping_method=self.shipping_method,
            country=self.country,
            region=self.region,
            postal_code=self.postal_code,
            vat_id=self.vat_id,
        )

    def __str__(self) -> str:
        return f"cart of {self.used_at:%-d %B %Y}"


class CartItem(Entity):
    """One variant in a cart, and what it cost when it was last put in."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="items")
    variant = models.ForeignKey("products.Variant", on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()
    seen_price_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cart", "variant"], name="cart_item_once_per_variant"),
            models.CheckConstraint(condition=Q(quantity__gte=1, quantity__lte=999), name="cart_item_quantity"),
        ]
