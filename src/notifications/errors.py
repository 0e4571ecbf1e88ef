from __future__ import annotations

from core.errors import DomainError, Invalid, NotFound


class NotificationNotFound(NotFound):
    """There is no such notification, or it is someone else's."""

    code = "notifications.not_found"
    title = "There is no such notification."


class AlwaysSent(Invalid):
    """The message concerns someone's money or account and cannot be turned off."""

    code = "notifications.always_sent"
    title = "These messages concern your account or your orders and are always sent."
    example = {"kinds": ["order_moved"]}


class NoSuchPreference(Invalid):
    """That kind of message is not sent by that channel, or not to this person."""

    code = "notifications.no_such_preference"
    title = "That kind of message does not come to you that way."
    example = {"preferences": ["staff_new_order.email"]}


class BadUnsubscribeLink(Invalid):
    """The link was not made here, or was altered."""

    code = "notifications.bad_unsubscribe_link"
    title = "This unsubscribe link is not valid."


class ReporterNotFound(NotFound):
    """Nobody of that name reports on our mail."""

    code = "notifications.reporter_not_found"
    title = "There is no such mail provider."


class ReportRefused(DomainError):
    """The signature does not fit, the time is too far off, or it cannot be read. Mailgun gives up at this status."""

    status = 406
    code = "notifications.report_refused"
    title = "This report is not accepted."


class SuppressionNotFound(NotFound):
    """The address is not suppressed."""

    code = "notifications.suppression_not_found"
    title = "This address is not suppressed."
