"""What people are told when others announce a fact. Each handler writes rows and nothing else.

A fact about someone or something that is gone by now is told to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils import timezone

from accounts import selectors as account_reads
from accounts import services as accounts
from accounts.domain import Purpose
from accounts.errors import UserNotFound
from notifications import services
from notifications.domain import Message
from notifications.services import messages
from orders import selectors as order_reads
from products import selectors as product_reads

if TYPE_CHECKING:
    from accounts.models import User
    from orders.models import Order


def welcome_customer(*, delivery_id: str, user_id: str, **_: object) -> None:
    """Welcome who registered, by mail and in the app."""
    if user := _find_active(user_id):
        _tell([user], messages.welcome(name=user.profile.first_name), delivery_id)


def alert_staff_of_registration(*, delivery_id: str, user_id: str, **_: object) -> None:
    """Tell staff who may know of it that someone registered."""
    _tell_staff("accounts.receive_registration_alerts", messages.registration(user_id=user_id), delivery_id)


def send_verification(*, delivery_id: str, user_id: str, **_: object) -> None:
    """Mail the link that verifies an address; its token is made here, so that none stands in the outbox."""
    user = _find_active(user_id)
    if user is not None and user.email_verified_at is None:
        token = accounts.make_one_time_token(user_id=user.pk, purpose=Purpose.VERIFY_EMAIL, now=timezone.now())
        _tell([user], messages.verification(token=token), delivery_id)


def send_password_reset(*, delivery_id: str, user_id: str, **_: object) -> None:
    """Mail the link that sets a new password; its token is made here, so that none stands in the outbox."""
    if user := _find_active(user_id):
        token = accounts.make_one_time_token(user_id=user.pk, purpose=Purpose.RESET_PASSWORD, now=timezone.now())
        _tell([user], messages.password_reset(token=token), delivery_id)


def confirm_password_change(*, delivery_id: str, user_id: str, **_: object) -> None:
    """Tell someone that their password was changed, in case it was not them."""
    if user := _find_active(user_id):
        _tell([user], messages.password_changed(), delivery_id)


def forget_user(*, user_id: str, **_: object) -> None:
    """Remove all that the person was told, and their preferences."""
    services.forget_user(user_id=UUID(user_id))


def alert_staff_of_new_product(*, delivery_id: str, product_id: str, **_: object) -> None:
    """Tell staff who watch the catalogue of a new product."""
    product = product_reads.get_product_for_message(product_id=UUID(product_id))
    _tell_staff("products.receive_catalogue_alerts", messages.product_created(product=product), delivery_id)


def announce_new_product(*, delivery_id: str, product_id: str, **_: object) -> None:
    """Tell the customers who asked for it of a new product, if it is on show."""
    product = product_reads.get_product_for_message(product_id=UUID(product_id))
    if product.is_active and product.deleted_at is None:
        services.tell_subscribers(message=messages.new_product(product=product), source=delivery_id, at=timezone.now())


def alert_staff_of_deleted_product(*, delivery_id: str, product_id: str, **_: object) -> None:
    """Tell staff who watch the catalogue that a product was deleted."""
    product = product_reads.get_product_for_message(product_id=UUID(product_id))
    _tell_staff("products.receive_catalogue_alerts", messages.product_deleted(product=product), delivery_id)


def confirm_order(*, delivery_id: str, order_id: str, **_: object) -> None:
    """Confirm an order to whoever placed it, and tell staff who watch orders."""
    order = order_reads.get_order_for_message(order_id=UUID(order_id))
    _tell_buyer(order, messages.order_placed(order=order), delivery_id)
    _tell_staff("orders.receive_order_alerts", messages.new_order(order=order), f"{delivery_id}.staff")


def alert_staff_of_payment(
    *, delivery_id: str, order_id: str, what: str, amount_minor: int, currency: str, **_: object
) -> None:
    """Tell staff who watch payments that one needs a look."""
    order = order_reads.get_order_for_message(order_id=UUID(order_id))
    alert = messages.payment_alert(order=order, what=what, amount_minor=amount_minor, currency=currency)
    _tell_staff("payments.receive_payment_alerts", alert, delivery_id)


def report_order_move(*, delivery_id: str, order_id: str, move_id: int, **_: object) -> None:
    """Tell whoever placed an order that it moved on."""
    order = order_reads.get_order_for_message(order_id=UUID(order_id))
    move = order_reads.get_move(move_id=move_id)
    _tell_buyer(order, messages.order_moved(order=order, move=move), delivery_id)


def _tell_buyer(order: Order, message: Message, source: str) -> None:
    if order.customer_id is None:
        if order.email:
            services.tell_address(email=order.email, message=message, source=source, at=timezone.now())
    elif user := _find_active(str(order.customer_id)):
        _tell([user], message, source)


def _tell_staff(permission: str, message: Message, source: str) -> None:
    _tell(account_reads.users_with_permission(permission=permission), message, source)


def _tell(users: Sequence[User], message: Message, source: str) -> None:
    services.tell(users=users, message=message, source=source, at=timezone.now())


def _find_active(user_id: str) -> User | None:
    with suppress(UserNotFound):
        user = account_reads.get_user(user_id=user_id)
        return user if user.is_active else None
    return None
