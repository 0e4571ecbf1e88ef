"""What people are about to buy, in the back office: to read."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import display

from carts import selectors
from carts.models import Cart, CartItem
from core import money
from core.admin import ServiceAdmin, ViewInline, table
from pricing.domain import IN_WORDS, Quote, in_words


class _Items(ViewInline):
    model = CartItem
    fields = ("variant", "quantity", "updated_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[CartItem]:
        rows: QuerySet[CartItem] = super().get_queryset(request).select_related("variant")
        return rows


@admin.register(Cart)
class CartAdmin(ServiceAdmin):
    """Carts, so that support sees what a caller sees. A guest's token is not kept, and not shown."""

    list_display = ("whose", "state", "market", "used_at")
    list_filter = ("state",)
    list_select_related = ("owner", "market")
    search_fields = ("owner__email_key__of",)
    fields = ("owner", "market", "state", "used_at", "coupon", "shipping_method", "country", "priced_now")
    readonly_fields = ("priced_now",)
    ordering = ("-used_at", "-pk")
    inlines = (_Items,)

    @display(description="What it costs now")
    def priced_now(self, row: Cart) -> SafeString | str:
        quote = selectors.preview(cart=row, at=timezone.now())
        return table(IN_WORDS, [*in_words(quote.priced.receipt, quote.currency), _total(quote)])

    @display(description="Of")
    def whose(self, row: Cart) -> str:
        return row.owner.email if row.owner else "a guest"


def _total(quote: Quote) -> tuple[str, ...]:
    return "Total", "", money.to_text(quote.total_minor, quote.currency), "", ""
