"""What people are told when others announce a fact. Each handler writes rows and nothing else.

A fact about someone or something that is gone by now is told to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone

from accounts import selectors as account_reads
from accounts import services as accounts
from accounts.domain import Purpose, email_key
from accounts.errors import UserNotFound
from core import outbox
from core.crypto import open_sealed
from notifications import services
from notifications.domain import Message
from notifications.events import AnnouncementPartTold
from notifications.services import messages, messages_balances, messages_parcels, messages_returns, messages_unpaid
from orders import selectors as order_reads
from orders import services as orders
from orders.domain import OrderStatus, ReturnStatus
from payments import selectors as payment_reads
from products import selectors as product_reads

if TYPE_CHECKING:
    from accounts.models import User
    from orders.models import Order

_SENT = (OrderStatus.SHIPPED.value, OrderStatus.DELIVERED.value)


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


def announce_new_product(
    *, delivery_id: str, product_id: str, source: str = "", after: str | None = None, told: int = 0, **_: object
) -> None:
    """Tell the customers who asked for it of a new product, if it is on show, part by part: each announces the next."""
    product, now = product_reads.get_product_for_message(product_id=UUID(product_id)), timezone.now()
    if not product.is_active or product.deleted_at is not None:
        return
    more = services.tell_subscribers(
        message=messages.new_product(product=product),
        source=source or delivery_id,
        at=now,
        after=UUID(after) if after else None,
        told=told,
    )
    if more is not None:
        last, so_many = more
        part = AnnouncementPartTold(product_id=product.pk, source=source or delivery_id, after=last, told=so_many)
        outbox.publish(part, at=now)


def alert_staff_of_deleted_product(*, delivery_id: str, product_id: str, **_: object) -> None:
    """Tell staff who watch the catalogue that a product was deleted."""
    product = product_reads.get_product_for_message(product_id=UUID(product_id))
    _tell_staff("products.receive_catalogue_alerts", messages.product_deleted(product=product), delivery_id)


def confirm_order(**fact: Any) -> None:
    """Confirm an order to whoever placed it, and tell staff who watch orders.

    The buyer of one that staff wrote is sent the way to pay it instead.
    """
    confirm_orders(facts=[fact])


def confirm_orders(*, facts: Sequence[Mapping[str, Any]]) -> None:
    """Do as ``confirm_order`` does for several, with a few statements for all."""
    found = _orders_of(facts)
    staff = account_reads.users_with_permission(permission="orders.receive_order_alerts")
    written = [
        (order, messages.order_placed(order=order), source)
        for source, order, fact in found
        if not fact.get("is_drafted", False)
    ]
    alerts = [
        services.Letter(users=staff, message=messages.new_order(order=order), source=f"{source}.staff")
        for source, order, _ in found
    ]
    services.tell_all(letters=_to_buyers(written) + alerts, at=timezone.now())


def alert_staff_of_payment(
    *, delivery_id: str, order_id: str, what: str, amount_minor: int, currency: str, **_: object
) -> None:
    """Tell staff who watch payments that one needs a look."""
    order = order_reads.get_order_for_message(order_id=UUID(order_id))
    alert = messages.payment_alert(order=order, what=what, amount_minor=amount_minor, currency=currency)
    _tell_staff("payments.receive_payment_alerts", alert, delivery_id)


def report_refund(*, delivery_id: str, order_id: str, refund_id: str, **_: object) -> None:
    """Tell whoever placed an order that money was given back."""
    order = order_reads.get_order_for_message(order_id=UUID(order_id))
    refund = payment_reads.get_refund(refund_id=UUID(refund_id))
    _tell_buyer(order, messages_balances.refund_sent(order=order, refund=refund), delivery_id)


def send_gift_card(*, delivery_id: str, gift_card_id: str, sealed_code: str, **_: object) -> None:
    """Mail a gift card's code to whom it was made for."""
    card = payment_reads.get_gift_card(balance_id=UUID(gift_card_id))
    if card.recipient and card.is_active:
        message = messages_balances.gift_card_sent(card=card, code=open_sealed(sealed_code))
        services.tell_address(email=card.recipient, message=message, source=delivery_id, at=timezone.now())


def send_payment_link(*, delivery_id: str, order_id: str, **_: object) -> None:
    """Mail the link by which an order is paid, as long as it waits for that."""
    order = order_reads.get_order_for_message(order_id=UUID(order_id))
    link = order_reads.find_payment_link(order_id=order.pk)
    if link is not None and order.status == OrderStatus.PENDING.value:
        url = order_reads.url_of_link(link=link)
        payment = payment_reads.list_payments(order_ids=[order.pk]).first()
        to_pay = order.total_minor if payment is None else payment.to_pay_minor
        _tell_buyer(order, messages_unpaid.order_to_pay(order=order, to_pay_minor=to_pay, url=url), delivery_id)


def report_order_edit(*, delivery_id: str, order_id: str, edit_id: int, **_: object) -> None:
    """Tell whoever placed an order what it costs now that staff changed it."""
    order = order_reads.get_order_for_message(order_id=UUID(order_id))
    link = order_reads.find_payment_link(order_id=order.pk)
    message = messages_unpaid.order_edited(
        order=order,
        edit=order_reads.get_edit(edit_id=edit_id),
        url=order_reads.url_of_link(link=link) if link is not None else None,
    )
    _tell_buyer(order, message, delivery_id)


def report_order_move(**fact: Any) -> None:
    """Tell whoever placed an order that it moved on. Gift cards alone are told of by the mails that they come with."""
    report_order_moves(facts=[fact])


def report_order_moves(*, facts: Sequence[Mapping[str, Any]]) -> None:
    """Do as ``report_order_move`` does for several, with a few statements for all."""
    found = _orders_of(facts)
    moves = order_reads.get_moves(order_ids={order.pk for _, order, _ in found})
    written = [
        (order, messages.order_moved(order=order, move=moves[fact["move_id"]]), source)
        for source, order, fact in found
        if fact["to_status"] not in _SENT or not all(line.is_gift_card for line in order.lines.all())
    ]
    services.tell_all(letters=_to_buyers(written), at=timezone.now())


def report_parcel(*, delivery_id: str, order_id: str, fulfilment_id: str, **_: object) -> None:
    """Tell whoever placed an order that a part of it is on its way."""
    order = order_reads.get_order_for_message(order_id=UUID(order_id))
    fulfilment = order_reads.get_fulfilment(fulfilment_id=UUID(fulfilment_id))
    _tell_buyer(order, messages_parcels.order_fulfilled(order=order, fulfilment=fulfilment), delivery_id)


def report_part_cancelled(
    *, delivery_id: str, order_id: str, units: Mapping[str, int], is_refunded: bool, **_: object
) -> None:
    """Tell whoever placed an order what of it will not be sent."""
    order = order_reads.get_order_for_message(order_id=UUID(order_id))
    message = messages_parcels.part_cancelled(order=order, units=units, is_refunded=is_refunded)
    _tell_buyer(order, message, delivery_id)


def report_return_move(*, delivery_id: str, return_id: str, to_status: str, **_: object) -> None:
    """Tell whoever placed an order where its return stands."""
    back = order_reads.get_return_for_message(return_id=UUID(return_id))
    message = messages_returns.return_moved(back=back, status=ReturnStatus(to_status))
    _tell_buyer(back.order, message, delivery_id)


def alert_staff_of_return(*, delivery_id: str, return_id: str, **_: object) -> None:
    """Tell staff who handle returns of one that waits for an answer."""
    back = order_reads.get_return_for_message(return_id=UUID(return_id))
    _tell_staff("orders.handle_return", messages_returns.return_to_handle(back=back), delivery_id)


def send_withdrawal_link(*, delivery_id: str, withdrawal_id: str, **_: object) -> None:
    """Mail the link that confirms a withdrawal; its token is made here, so that none stands in the outbox."""
    now = timezone.now()
    withdrawal = order_reads.get_withdrawal_for_message(withdrawal_id=UUID(withdrawal_id))
    token = orders.make_withdrawal_link(withdrawal_id=withdrawal.pk, at=now)
    message = messages_returns.withdrawal_declared(withdrawal=withdrawal, token=token)
    services.tell_address(email=withdrawal.order.email, message=message, source=delivery_id, at=now)


def acknowledge_withdrawal(*, delivery_id: str, withdrawal_id: str, **_: object) -> None:
    """Acknowledge a withdrawal to the address that the consumer named, and in the app if it is the customer's own."""
    withdrawal = order_reads.get_withdrawal_for_message(withdrawal_id=UUID(withdrawal_id))
    message = messages_returns.withdrawal_confirmed(withdrawal=withdrawal)
    user = _find_active(str(withdrawal.order.customer_id)) if withdrawal.order.customer_id else None
    if user is not None and email_key(user.email) == email_key(withdrawal.email):
        _tell([user], message, delivery_id)
    elif withdrawal.email:
        services.tell_address(email=withdrawal.email, message=message, source=delivery_id, at=timezone.now())


def alert_staff_of_withdrawal(
    *, delivery_id: str, withdrawal_id: str, shipped_units: int, open_units: int, **_: object
) -> None:
    """Tell staff who handle returns that a consumer withdrew."""
    withdrawal = order_reads.get_withdrawal_for_message(withdrawal_id=UUID(withdrawal_id))
    alert = messages_returns.withdrawal_to_handle(
        withdrawal=withdrawal, shipped_units=shipped_units, open_units=open_units
    )
    _tell_staff("orders.handle_return", alert, delivery_id)


def _orders_of(facts: Sequence[Mapping[str, Any]]) -> list[tuple[str, Order, Mapping[str, Any]]]:
    """Return (delivery, order, fact) of each fact about an order. Three queries."""
    ids = [UUID(fact["order_id"]) for fact in facts]
    orders = order_reads.get_orders_for_messages(order_ids=set(ids))
    return [(fact["delivery_id"], orders[pk], fact) for pk, fact in zip(ids, facts, strict=True)]


def _tell_buyer(order: Order, message: Message, source: str) -> None:
    services.tell_all(letters=_to_buyers([(order, message, source)]), at=timezone.now())


def _to_buyers(written: Sequence[tuple[Order, Message, str]]) -> list[services.Letter]:
    """Address messages to who placed the orders: an account that is active, or the address that a guest left."""
    ids = {order.customer_id for order, _, _ in written if order.customer_id is not None}
    found = account_reads.users_by_ids(user_ids=ids) if ids else {}
    active = {pk: [user] for pk, user in found.items() if user.is_active}
    return [
        services.Letter(
            message=message,
            source=source,
            users=active.get(order.customer_id, ()) if order.customer_id else (),
            email="" if order.customer_id else order.email,
        )
        for order, message, source in written
    ]


def _tell_staff(permission: str, message: Message, source: str) -> None:
    _tell(account_reads.users_with_permission(permission=permission), message, source)


def _tell(users: Sequence[User], message: Message, source: str) -> None:
    services.tell(users=users, message=message, source=source, at=timezone.now())


def _find_active(user_id: str) -> User | None:
    with suppress(UserNotFound):
        user = account_reads.get_user(user_id=user_id)
        return user if user.is_active else None
    return None
