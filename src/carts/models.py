from __future__ import annotations

from django.db import models
from django.db.models import Q

from carts.domain import CartState
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
            models.Index(fields=["used_at"], name="cart_abandoned", condition=Q(state=CartState.OPEN.value)),
        ]

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
