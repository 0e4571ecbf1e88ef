"""Ways to pay that customers keep, by a provider's token alone: kept when they have paid, chosen, and given up.

Giving one up has three beats as paying has: it is hidden at once, the provider is told to forget it, the row goes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.crypto import salted_hmac

from accounts import services as accounts
from accounts.errors import SignInRefused
from core import courier
from core.sql import insert_missing
from core.transactions import command, step
from payments import selectors
from payments.domain import AttemptStatus, Wish, pause
from payments.errors import CannotSave, ProviderUnknown, SavedMethodNotFound, SavingNeedsAccount
from payments.models import Attempt, SavedMethod
from payments.providers import (
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    SavedToken,
    call,
    find_provider,
)

SWEEP = "payments.tasks.sweep"
# A page is open for a day at most; by then a provider that keeps something has told its token.
_TOLD_WITHIN = timedelta(days=3)


@step
def choose_method(*, wish: Wish, customer_id: UUID | None) -> Wish:
    """Return a wish with what follows from keeping, or from what was kept: whose it is, and which provider.

    Locks the method that pays, so that it is there until the attempt names it. No query where nothing is kept.

    :param customer_id: who pays; ``None`` is a guest
    :raises SavedMethodNotFound: there is none, or it is not the customer's (404)
    :raises SavingNeedsAccount: a guest cannot keep anything (422)
    :raises CannotSave: the provider keeps nothing (422)
    """
    if wish.saved_method_id is not None:
        method = SavedMethod.objects.filter(pk=wish.saved_method_id, customer=customer_id, removed_at=None)
        chosen: SavedMethod | None = method.locked().first() if customer_id is not None else None
        if chosen is None:
            raise SavedMethodNotFound
        return replace(wish, provider=chosen.provider, customer_id=customer_id)
    if not wish.is_saving:
        return wish
    if customer_id is None:
        raise SavingNeedsAccount
    if not find_provider(wish.provider).can_save:
        raise CannotSave(provider=wish.provider)
    return replace(wish, customer_id=customer_id)


def token_of(*, attempt: Attempt) -> SavedToken | None:
    """Return the token that pays an attempt, where its shopper chose one. At most one query."""
    method: SavedMethod | None = attempt.saved_method if attempt.saved_method_id else None
    return _token(method) if method else None


def payer_of(*, attempt: Attempt) -> str:
    """Return by what the provider knows whoever keeps what pays an attempt. At most one query."""
    if attempt.saver_id is None:
        return ""
    return selectors.find_payer(customer_id=attempt.saver_id, provider=attempt.provider)


@step
def keep_method(*, attempt: Attempt, saved: SavedToken | None, at: datetime) -> None:
    """Keep what paid an attempt whose shopper wants that, once; where its token was not told yet, have it asked for.

    Locks the customer's account: one that was closed meanwhile keeps nothing, and the provider is told to forget it.

    :param attempt: its payment is locked by this transaction
    :param saved: what the provider says that it keeps
    """
    if attempt.state is not AttemptStatus.CAPTURED:
        return
    if saved is not None:
        _write(attempt, saved, at)
    attempt.is_saving = is_awaited = saved is None and at - attempt.created_at < _TOLD_WITHIN
    attempt.ask_at = at + pause(age=at - attempt.created_at, is_in_flight=False) if is_awaited else None
    attempt.save(update_fields=["is_saving", "ask_at", "updated_at"])


def _write(attempt: Attempt, saved: SavedToken, at: datetime) -> None:
    assert attempt.saver_id is not None
    is_closed = _is_closed(attempt.saver_id)
    mine = SavedMethod.objects.filter(customer=attempt.saver_id)
    row = SavedMethod(
        customer_id=attempt.saver_id,
        provider=attempt.provider,
        token=saved.token,
        token_digest=digest_of_token(saved.token),
        payer=saved.payer,
        brand=saved.brand[:30],
        last4=saved.last4[-4:],
        expires_month=saved.month,
        expires_year=saved.year,
        is_default=not is_closed and not mine.filter(is_default=True).exists(),
        removed_at=at if is_closed else None,
        ask_at=at if is_closed else None,
        created_at=at,
    )
    if not insert_missing(row) and not is_closed:
        # The provider made the same token of the same card: it is wanted again.
        same = mine.filter(provider=row.provider, token_digest=row.token_digest)
        same.update(removed_at=None, ask_at=None, updated_at=at)


def _is_closed(customer_id: UUID) -> bool:
    try:
        accounts.lock_account(user_id=customer_id)
    except SignInRefused:
        return True
    return False


def digest_of_token(token: str) -> str:
    """Return by what a token is found again: it is sealed, and stands nowhere else."""
    return salted_hmac("payments.saved_methods", token, algorithm="sha256").hexdigest()


def _token(method: SavedMethod) -> SavedToken:
    return SavedToken(
        token=method.token,
        payer=method.payer,
        brand=method.brand,
        last4=method.last4,
        month=method.expires_month,
        year=method.expires_year,
    )


@command
def set_default_method(*, customer_id: UUID, method_id: UUID, is_default: bool) -> SavedMethod:
    """Make one of a customer's ways to pay the one that is offered first, or none. Locks the account, then the rows.

    :raises SavedMethodNotFound: there is none, or it is not the customer's (404)
    """
    accounts.lock_account(user_id=customer_id)
    mine = list(SavedMethod.objects.filter(customer=customer_id, removed_at=None).locked())
    chosen = next((method for method in mine if method.pk == method_id), None)
    if chosen is None:
        raise SavedMethodNotFound
    for method in mine:
        # The former one first: there is never more than one.
        if method.is_default and (method is not chosen or not is_default):
            _mark(method, is_default=False)
    if is_default and not chosen.is_default:
        _mark(chosen, is_default=True)
    return chosen


def _mark(method: SavedMethod, *, is_default: bool) -> None:
    method.is_default = is_default
    method.save(update_fields=["is_default", "updated_at"])


@command
def remove_method(*, method_id: UUID, customer_id: UUID | None = None, at: datetime) -> None:
    """Give up a way to pay: nobody sees or uses it from now on, and its provider is told soon.

    :param customer_id: whose it has to be; ``None`` where staff remove it
    :raises SavedMethodNotFound: there is none, or it is not the customer's (404)
    """
    rows = SavedMethod.objects.filter(pk=method_id, removed_at=None)
    if customer_id is not None:
        rows = rows.filter(customer=customer_id)
    if not _hide(list(rows.locked()), at):
        raise SavedMethodNotFound


@step
def forget_methods(*, customer_id: UUID, at: datetime) -> None:
    """Give up all that a person keeps, who asked to be forgotten."""
    _hide(list(SavedMethod.objects.filter(customer=customer_id, removed_at=None).locked()), at)


def _hide(methods: list[SavedMethod], at: datetime) -> int:
    for method in methods:
        method.is_default, method.removed_at, method.ask_at = False, at, at
        method.save(update_fields=["is_default", "removed_at", "ask_at", "updated_at"])
    if methods:
        transaction.on_commit(_wake)
    return len(methods)


def _wake() -> None:
    courier.wake(SWEEP)


def carry_out_removal(*, method_id: UUID, at: datetime) -> None:
    """Have a provider forget a way to pay that was given up; then it is gone here, too. Repeated until it answers."""
    method: SavedMethod | None = SavedMethod.objects.filter(pk=method_id, removed_at__isnull=False).first()
    if method is None:
        return
    try:
        call(method.provider, lambda provider: provider.remove(_token(method)))
    except (ProviderUnavailable, OutcomeUnknown, ProviderRefused, ProviderUnknown):
        _postpone(method_id=method_id, at=at)
        return
    _drop(method_id=method_id)


@command
def _postpone(*, method_id: UUID, at: datetime) -> None:
    for method in SavedMethod.objects.filter(pk=method_id, removed_at__isnull=False).locked():
        assert method.removed_at is not None
        method.ask_at = at + pause(age=at - method.removed_at, is_in_flight=False)
        method.save(update_fields=["ask_at", "updated_at"])


@command
def _drop(*, method_id: UUID) -> None:
    for method in SavedMethod.objects.filter(pk=method_id, removed_at__isnull=False).locked():
        method.delete()
