"""How mail leaves the house, and who reports what became of it."""

from __future__ import annotations

from typing import Any

from config.settings.env import env

DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Nexus <shop@localhost>")
# With a key, mail goes by Mailgun's API; without one, where EMAIL_URL says (smtp://, smtp+tls://, smtp+ssl://).
MAILGUN_API_KEY = env.str("MAILGUN_API_KEY", default="")
MAILGUN_SENDER_DOMAIN = env.str("MAILGUN_SENDER_DOMAIN", default="")
# Of accounts in the EU: https://api.eu.mailgun.net/v3
MAILGUN_API_URL = env.str("MAILGUN_API_URL", default="https://api.mailgun.net/v3")
# What Mailgun signs its webhooks with; all of them are believed, so that one can follow another.
MAILGUN_WEBHOOK_SIGNING_KEYS = env.list("MAILGUN_WEBHOOK_SIGNING_KEYS", default=[])

ANYMAIL = {
    "MAILGUN_API_KEY": MAILGUN_API_KEY,
    "MAILGUN_SENDER_DOMAIN": MAILGUN_SENDER_DOMAIN or None,
    "MAILGUN_API_URL": MAILGUN_API_URL,
    "REQUESTS_TIMEOUT": 20,
}
# Name in `webhooks/mail/<name>` -> what reads and checks a report. Loaded by the first report.
MAIL_REPORTERS = {"mailgun": "notifications.webhooks.read_mailgun"} if MAILGUN_WEBHOOK_SIGNING_KEYS else {}


def mail_settings(*, fallback: str = "") -> dict[str, Any]:
    """Return what follows from the environment.

    :param fallback: the backend where it names neither Mailgun nor a server; empty: one must be named
    :raises ImproperlyConfigured: none is
    """
    if MAILGUN_API_KEY:
        return {"EMAIL_BACKEND": "anymail.backends.mailgun.EmailBackend"}
    if fallback and not env.str("EMAIL_URL", default=""):
        return {"EMAIL_BACKEND": fallback}
    return dict(env.email_url("EMAIL_URL"))
