"""From a message to the two bodies of a mail."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from notifications.domain import Message

# Stands for the link of whoever reads it, in an announcement that is written once for thousands.
UNSUBSCRIBE_MARK = "unsubscribe.mark.invalid"


def render(message: Message, *, unsubscribe_url: str) -> tuple[str, str]:
    """Return the text and the HTML body. No query.

    :param unsubscribe_url: empty for what is always sent
    """
    context: dict[str, Any] = {
        "shop_url": settings.STOREFRONT_URL.rstrip("/"),
        "title": message.title,
        "body": message.body,
        "unsubscribe_url": unsubscribe_url,
        **message.context,
    }
    template = f"notifications/{message.kind.value}"
    return render_to_string(f"{template}.txt", context).strip() + "\n", render_to_string(f"{template}.html", context)
