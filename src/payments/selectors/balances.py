"""Reads of gift cards, store credit, and what happened to them."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from accounts import selectors as account_reads
from payments.domain import CODE_SIGNS, GIFT_CARD, STORE_CREDIT, plain_code
from payments.errors import BalanceNotFound, GiftCardUnknown
from payments.models import Balance, Posting


def code_digest(*, code: str, secret: str | bytes | None = None) -> str:
    """Return what is kept of a gift card's code. Keyed: whoever reads the table can test no codes."""
    return salted_hmac("payments.gift_cards", plain_code(code), secret=secret, algorithm="sha256").hexdigest()


def find_gift_card(*, code: str) -> Balance | None:
    """Return the gift card of a code, blocked or expired ones too. At most one query.

    Cards made under an earlier secret key are found as long as it stands among the fallbacks.
    """
    if len(plain_code(code)) != CODE_SIGNS:
        return None
    secrets = [settings.SECRET_KEY, *settings.EARLIER_SECRET_KEYS]
    digests = [code_digest(code=code, secret=secret) for secret in secrets]
    found: Balance | None = Balance.objects.filter(kind=GIFT_CARD, code_digest__in=digests).first()
    return found


def get_gift_card(*, balance_id: UUID) -> Balance:
    """Return a gift card. One query.

    :raises BalanceNotFound: there is none
    """
    found: Balance | None = Balance.objects.filter(pk=balance_id, kind=GIFT_CARD).first()
    if found is None:
        raise BalanceNotFound
    return found


def list_gift_cards(*, is_active: bool | None = None, code_end: str | None = None) -> QuerySet[Balance]:
    """Return gift cards; order them by ``-created_at, -pk``. One query."""
    rows: QuerySet[Balance] = Balance.objects.filter(kind=GIFT_CARD)
    if is_active is not None:
        rows = rows.filter(is_active=is_active)
    return rows if code_end is None else rows.filter(code_end=plain_code(code_end))


def sold_gift_cards(*, sources: Collection[str]) -> dict[str, Balance]:
    """Return source -> the gift card that was made for its sake, of those that were made. One query, none for none."""
    if not sources:
        return {}
    return {card.source: card for card in Balance.objects.filter(kind=GIFT_CARD, source__in=sources)}


def list_balances(*, customer_id: UUID) -> list[Balance]:
    """Return all that is a customer's own to spend, of whatever kind, oldest first. One query."""
    return list(Balance.objects.filter(customer=customer_id).order_by("pk"))


def list_movements_of(*, balances: Collection[Balance]) -> QuerySet[Posting]:
    """Return what came to some balances and left them, each with its entry. One query."""
    rows: QuerySet[Posting] = Posting.objects.filter(account__in={balance.account for balance in balances})
    return rows.select_related("entry")


def store_credit(*, customer_id: UUID) -> list[Balance]:
    """Return a customer's store credit: one row per currency in which there ever was any. One query."""
    return list(Balance.objects.filter(customer=customer_id, kind=STORE_CREDIT).order_by("currency"))


def list_movements(*, account: str, currency: str | None = None) -> QuerySet[Posting]:
    """Return what came to a balance (below zero: the credit side) and left it, each with its entry.

    Order them by ``-pk``. One query.
    """
    rows: QuerySet[Posting] = Posting.objects.filter(account=account).select_related("entry")
    return rows if currency is None else rows.filter(currency=currency)


def list_gift_card_movements(*, balance_id: UUID) -> QuerySet[Posting]:
    """Return what happened to a gift card: see ``list_movements``. Two queries.

    :raises BalanceNotFound: there is none
    """
    card = get_gift_card(balance_id=balance_id)
    return list_movements(account=card.account)


def check_gift_card(*, code: str) -> Balance:
    """Return the gift card of a code for whoever knows it. One query.

    :raises GiftCardUnknown: there is none, or it is blocked; which of the two is not told
    """
    card = find_gift_card(code=code)
    if card is None or not card.is_active:
        raise GiftCardUnknown
    return card


def store_credit_of_customer(*, customer_id: UUID) -> list[Balance]:
    """Return the store credit of somebody who exists: see ``store_credit``. Two queries.

    :raises UserNotFound: there is no such customer
    """
    return store_credit(customer_id=account_reads.get_user(user_id=customer_id).pk)
