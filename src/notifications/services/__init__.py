"""Writes of notifications: telling people, sending what is to leave the house, and what people do with it."""

from notifications.services.announcing import tell_subscribers
from notifications.services.inbox import (
    delete_notification,
    delete_notifications,
    forget_old,
    mark_read,
    read_notification,
)
from notifications.services.preferences import forget_user, replace_preferences, set_preferences, unsubscribe
from notifications.services.sending import claim_mails, retry_mails, send_mail, send_waiting_mail
from notifications.services.suppressing import lift_suppressions, receive_report, take_report
from notifications.services.telling import Letter, tell, tell_address, tell_all

__all__ = [
    "Letter",
    "claim_mails",
    "delete_notification",
    "delete_notifications",
    "forget_old",
    "forget_user",
    "lift_suppressions",
    "mark_read",
    "read_notification",
    "receive_report",
    "replace_preferences",
    "retry_mails",
    "send_mail",
    "send_waiting_mail",
    "set_preferences",
    "take_report",
    "tell",
    "tell_address",
    "tell_all",
    "tell_subscribers",
    "unsubscribe",
]
