"""Gift cards and store credit: what the shop owes, to be spent in it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts import selectors as account_reads
from core.admin import ServiceAdmin, StaffForm, as_words, money_cell, table
from core.errors import Malformed
from core.money import Money, NotMoney, is_currency, to_minor
from payments import selectors, services
from payments.domain import GIFT_CARD
from payments.models import Balance, Posting

if TYPE_CHECKING:
    from accounts.models import User

_SHOWN = 50


class _WorthForm(StaffForm):
    amount = forms.DecimalField(min_value=Decimal("0.0001"), max_digits=17)
    currency = forms.CharField(max_length=3, min_length=3, help_text="ISO 4217, such as GBP.")
    note = forms.CharField(max_length=300, required=False, help_text="For staff.")


class GiftCardForm(_WorthForm):
    """What is on a new gift card, and for whom."""

    recipient = forms.EmailField(required=False, help_text="Its code is mailed there.")
    expires_on = forms.DateTimeField(required=False, help_text="Empty: never. In UTC.")


class GrantForm(_WorthForm):
    """What a customer gets."""

    customer = forms.EmailField(help_text="The customer's e-mail address.")

    def clean_customer(self) -> User:
        """Return who has that address."""
        customer = account_reads.find_user(email=self.cleaned_data["customer"])
        if customer is None:
            raise forms.ValidationError("Nobody has that address.")
        return customer


class EndForm(StaffForm):
    """Until when a gift card may be used."""

    expires_on = forms.DateTimeField(required=False, help_text="Empty: never. In UTC.")


@admin.register(Balance)
class BalanceAdmin(ServiceAdmin):
    """Gift cards, store credit and what is exchanged, with all that came and went."""

    list_display = ("name", "shown_kind", "left", "customer", "is_active", "expires_at", "created_at")
    list_filter = ("kind", "is_active")
    list_select_related = ("customer",)
    search_fields = ("code_end__iexact", "customer__email_key__of")
    fields = (("name", "left"), ("customer", "recipient"), ("is_active", "expires_at"), "note", "actor", "movements")
    readonly_fields = ("name", "left", "movements")
    ordering = ("-created_at", "-pk")
    actions_list = ("issue_gift_card", "grant_store_credit")
    actions_detail = ("block", "unblock", "move_end")

    @display(description="Name")
    def name(self, row: Balance) -> str:
        return as_words(str(row))

    @display(description="Kind", ordering="kind")
    def shown_kind(self, row: Balance) -> str:
        return as_words(row.kind)

    @display(description="Left", ordering="left_minor")
    def left(self, row: Balance) -> str:
        return money_cell(row.left_minor, row.currency)

    @display(description="Movements")
    def movements(self, row: Balance) -> SafeString | str:
        rows = selectors.list_movements(account=row.account, currency=row.currency).order_by("-pk")[:_SHOWN]
        cells = [
            (
                f"{each.entry.at:%Y-%m-%d %H:%M}",
                as_words(each.entry.kind),
                money_cell(-each.amount_minor, each.currency),
            )
            for each in rows
        ]
        return table(("At", "What", "Amount"), cells)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Balance]:
        rows: QuerySet[Balance] = super().get_queryset(request).select_related("customer", "actor")
        return rows

    def has_issue_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "issue")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only what fits the balance as it stands."""
        row = self.get_object(request, object_id)
        if row is None or row.kind != GIFT_CARD:
            return []
        hidden = "unblock" if row.is_active else "block"
        offered = super().get_actions_detail(request, object_id)
        return [each for each in offered if each.action_name.partition("payments_balance_")[2] != hidden]

    @action(description="Make a gift card", icon="card_giftcard", permissions=["issue"], variant=ActionVariant.PRIMARY)
    def issue_gift_card(self, request: HttpRequest) -> HttpResponse:
        def issue(said: dict[str, Any]) -> str:
            wish = services.NewGiftCard(
                amount=_money(said), recipient=said["recipient"], note=said["note"], expires_at=said["expires_on"]
            )
            made = services.issue_gift_card(wish=wish, actor=request.user, at=timezone.now())  # type: ignore[arg-type]
            return f"The code is {made.code}. It is shown this once."

        return self.ask(request, title="Make a gift card", act=issue, form=GiftCardForm)

    @action(description="Grant store credit", icon="savings", permissions=["issue"])
    def grant_store_credit(self, request: HttpRequest) -> HttpResponse:
        def grant(said: dict[str, Any]) -> str:
            balance = services.grant_store_credit(
                customer_id=said["customer"].pk,
                amount=_money(said),
                note=said["note"],
                actor=request.user,  # type: ignore[arg-type]
                at=timezone.now(),
            )
            return f"{said['customer'].email} has {money_cell(balance.left_minor, balance.currency)}."

        return self.ask(request, title="Grant store credit", act=grant, form=GrantForm)

    @action(description="Block", icon="block", permissions=["issue"], variant=ActionVariant.DANGER)
    def block(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._ask_to_change(request, object_id, "Block", is_active=False)

    @action(description="Unblock", icon="lock_open", permissions=["issue"])
    def unblock(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._ask_to_change(request, object_id, "Unblock", is_active=True)

    @action(description="Move its end", icon="event", permissions=["issue"])
    def move_end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)

        def move(said: dict[str, Any]) -> str:
            services.change_gift_card(balance_id=row.pk, changes={"expires_at": said["expires_on"]})
            return f"{row} ends {said['expires_on'] or 'never'}."

        return self.ask_about_one(request, object_id, title="Move its end", act=move, form=EndForm)

    def _ask_to_change(self, request: HttpRequest, object_id: str, title: str, *, is_active: bool) -> HttpResponse:
        row = self.row(request, object_id)

        def change(_: dict[str, Any]) -> str:
            services.change_gift_card(balance_id=row.pk, changes={"is_active": is_active})
            return f"{row} may {'' if is_active else 'not '}be used."

        return self.ask_about_one(request, object_id, title=title, act=change)


def _cells(row: Posting) -> tuple[str, str, str]:
    amount = money_cell(-row.amount_minor, row.currency)
    return f"{row.entry.at:%Y-%m-%d %H:%M}", as_words(row.entry.kind), amount


def _money(said: dict[str, Any]) -> Money:
    """Return what a form holds.

    :raises Malformed: no currency, or more digits than it has
    """
    currency = said["currency"].upper()
    if not is_currency(currency):
        raise Malformed.field("currency", "This is no currency of ISO 4217.")
    try:
        return Money(to_minor(said["amount"], currency), currency)
    except NotMoney as error:
        raise Malformed.field("amount", str(error)) from error
