"""Balances: gift cards, store credit, and what is exchanged. Money that the shop owes, to be spent in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from core.ids import new_id
from core.sql import insert_missing
from core.transactions import step
from payments.domain import GIFT_CARD, BalanceKind, Wish
from payments.errors import BalanceNotUsable, GiftCardUnknown
from payments.models import Balance
from payments.selectors.balances import find_gift_card

# A gift card to which money comes back is good for at least that long.
_KEPT = timedelta(days=90)


@step
def open_balance(*, account: str, currency: str) -> Balance:
    """Lock the balance of an account, and open it if there is none. At most two statements.

    :param account: as ``store_credit_of`` and ``exchange_of`` name it; that of a gift card exists
    """
    kind, _, owner = account.partition(":")
    fresh = Balance(id=new_id(), kind=BalanceKind(kind).value, account=account, currency=currency)
    if fresh.kind == BalanceKind.STORE_CREDIT.value:
        fresh.customer_id = UUID(owner)
    if insert_missing(fresh):
        return fresh
    found: Balance = Balance.objects.filter(account=account, currency=currency).locked().get()
    return found


@step
def credit_balances(*, amounts: Mapping[str, int], currency: str, at: datetime) -> None:
    """Add to balances, those that do not exist included. The caller books it in the ledger.

    Opens what is missing, then locks all in id order: whoever credits several cannot deadlock with another.

    :param amounts: account -> minor units
    """
    known = set(Balance.objects.filter(account__in=amounts, currency=currency).values_list("account", flat=True))
    for account in sorted(set(amounts) - known):
        open_balance(account=account, currency=currency)
    for balance in Balance.objects.filter(account__in=amounts, currency=currency).locked():
        balance.left_minor += amounts[balance.account]
        if balance.expires_at is not None and amounts[balance.account]:
            balance.expires_at = max(balance.expires_at, at + _KEPT)
        balance.save(update_fields=["left_minor", "expires_at", "updated_at"])


@step
def credit_balance(*, account: str, currency: str, amount_minor: int, at: datetime) -> None:
    """Add to one balance: see ``credit_balances``."""
    credit_balances(amounts={account: amount_minor}, currency=currency, at=at)


@step
def lock_balance(*, wish: Wish, currency: str, at: datetime) -> Balance:
    """Lock the balance that a wish to pay names, once it may be spent. At most two statements.

    :raises GiftCardUnknown: there is no gift card of that code, or it is blocked (422)
    :raises BalanceNotUsable: it is expired, empty, or in another currency (422)
    """
    if wish.provider == GIFT_CARD:
        row = find_gift_card(code=wish.code)
        balance = Balance.objects.filter(pk=row.pk).locked().first() if row else None
    else:
        balance = Balance.objects.filter(kind=wish.provider, account=wish.account, currency=currency).locked().first()
    if wish.provider == GIFT_CARD and (balance is None or not balance.is_active):
        raise GiftCardUnknown
    if balance is None or not balance.left_minor:
        raise BalanceNotUsable(reason="empty")
    if balance.currency != currency:
        raise BalanceNotUsable(reason="currency", currency=balance.currency)
    if balance.expires_at is not None and balance.expires_at <= at:
        raise BalanceNotUsable(reason="expired")
    found: Balance = balance
    return found


@step
def spend_balance(*, balance: Balance, amount_minor: int) -> None:
    """Take an amount of a balance that this transaction locked. One statement; the caller books it in the ledger.

    :raises BalanceNotUsable: there is less on it
    """
    if amount_minor > balance.left_minor:
        raise BalanceNotUsable(reason="empty")
    balance.left_minor -= amount_minor
    balance.save(update_fields=["left_minor", "updated_at"])


@step
def accounts_of(*, balance_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return balance id -> its account. One query, none without ids."""
    if not balance_ids:
        return {}
    return dict(Balance.objects.filter(pk__in=balance_ids).values_list("pk", "account"))
