"""Making gift cards and granting store credit: what the shop gives away, booked as what it owes."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from accounts import selectors as account_reads
from core import outbox
from core.crypto import seal
from core.ids import new_id
from core.money import Money
from core.transactions import command
from payments.domain import CODE_SIGNS, GIFT_CARD, GIFTS, gift_card_code, gift_card_of, plain_code, store_credit_of
from payments.errors import BalanceNotFound
from payments.events import GiftCardIssued
from payments.models import Balance
from payments.selectors.balances import code_digest
from payments.services.balances import open_balance
from payments.services.ledger import post_entry

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGiftCard:
    """What is on a gift card, until when, and for whom.

    :param recipient: an e-mail address to which its code is sent
    """

    amount: Money
    expires_at: datetime | None = None
    recipient: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class IssuedGiftCard:
    """A gift card and, this once, its code: only a digest of it is kept."""

    card: Balance
    code: str


@command
def issue_gift_card(*, wish: NewGiftCard, actor: User, at: datetime) -> IssuedGiftCard:
    """Make a gift card that the shop gives away. Four statements."""
    made = compose_gift_card(wish=wish, at=at, actor=actor)
    made.card.save(force_insert=True)
    _give(made.card, wish.amount.minor, kind="gift_card_issued", reference=str(made.card.pk), at=at)
    if wish.recipient:
        outbox.publish(issued(made=made), at=at)
    return made


def compose_gift_card(
    *, wish: NewGiftCard, at: datetime, actor: User | None = None, source: str = ""
) -> IssuedGiftCard:
    """Make a gift card with a code of its own, not yet written.

    :param source: for whose sake it is made; once
    """
    code = gift_card_code(secrets.randbits(5 * CODE_SIGNS))
    card_id = new_id()
    card = Balance(
        id=card_id,
        kind=GIFT_CARD,
        account=gift_card_of(card_id),
        currency=wish.amount.currency,
        left_minor=wish.amount.minor,
        code_digest=code_digest(code=code),
        code_end=plain_code(code)[-4:],
        expires_at=wish.expires_at,
        recipient=wish.recipient,
        note=wish.note,
        actor=actor,
        source=source,
        created_at=at,
    )
    return IssuedGiftCard(card, code)


def issued(*, made: IssuedGiftCard) -> GiftCardIssued:
    """Return the fact by which whoever it was made for is sent its code."""
    return GiftCardIssued(gift_card_id=made.card.pk, sealed_code=seal(made.code))


@command
def change_gift_card(*, balance_id: UUID, changes: Mapping[str, Any]) -> Balance:
    """Block a gift card or let it be used again, move its end, or note something. Locks it.

    :param changes: some of ``is_active``, ``expires_at``, ``note``
    :raises BalanceNotFound: there is none (404)
    """
    card: Balance | None = Balance.objects.filter(pk=balance_id, kind=GIFT_CARD).locked().first()
    if card is None:
        raise BalanceNotFound
    allowed = {"is_active", "expires_at", "note"}
    for name in allowed & set(changes):
        setattr(card, name, changes[name])
    card.save(update_fields=[*(allowed & set(changes)), "updated_at"])
    return card


@command
def grant_store_credit(*, customer_id: UUID, amount: Money, note: str, actor: User, at: datetime) -> Balance:
    """Give a customer something to spend in the shop. Locks their store credit in that currency.

    :raises UserNotFound: there is no such customer (404)
    """
    customer = account_reads.get_user(user_id=customer_id)
    balance = open_balance(account=store_credit_of(customer.pk), currency=amount.currency)
    balance.left_minor += amount.minor
    balance.note, balance.actor = note, actor
    balance.save(update_fields=["left_minor", "note", "actor", "updated_at"])
    _give(balance, amount.minor, kind="store_credit_granted", reference=str(new_id()), at=at)
    return balance


def _give(balance: Balance, amount_minor: int, *, kind: str, reference: str, at: datetime) -> None:
    post_entry(
        kind=kind,
        reference=reference,
        currency=balance.currency,
        amounts={GIFTS: amount_minor, balance.account: -amount_minor},
        at=at,
    )
