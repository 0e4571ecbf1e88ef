"""Which queue a task waits in, so that money waits for no mail and no import, and what each kind of broker is told.

Quorum queues of RabbitMQ before 4.0 know no priorities of messages: what is urgent has a queue and workers of its own.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

MONEY, MAIL, BULK = "nexus.money", "nexus.mail", "nexus.bulk"
# The most urgent first: the order in which one worker for all looks into them where the broker is Redis.
QUEUES = (MONEY, MAIL, BULK)
DEAD = "nexus.dead"
# How often RabbitMQ hands out a message whose worker is lost with it.
DELIVERY_LIMIT = 10

_CHECKS = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "none": ssl.CERT_NONE}

# The first that a name begins with; what is not named here can wait.
_KINDS = (
    ("core.tasks.relay", MONEY),
    ("payments.", MONEY),
    ("orders.", MONEY),
    ("sandbox.", MONEY),
    ("notifications.", MAIL),
    ("core.handlers.", MAIL),
    ("", BULK),
)


def queue_of(name: str) -> str:
    """Return the queue for a task, or for a handler of the outbox, by its dotted name."""
    return next(queue for beginning, queue in _KINDS if name.startswith(beginning))


def route(name: str, _args: object, kwargs: Mapping[str, Any] | None, *_: object, **__: object) -> dict[str, str]:
    """Tell Celery where a task goes: deliveries go where the handler belongs that they are for."""
    return {"queue": queue_of((kwargs or {}).get("handler") or name)}


def has_dead_letters(broker_url: str) -> bool:
    """Tell whether that broker keeps what it gives up: RabbitMQ does, Redis and memory do not."""
    return broker_url.startswith(("amqp://", "amqps://", "pyamqp://"))


def queues_at(broker_url: str, *, priority: int = 0) -> dict[str, dict[str, Any]]:
    """Return the queues for Celery's ``task_queues``: name -> what they are made with.

    :param priority: that of this worker among those that read the same queue; RabbitMQ serves the higher first
    """
    made: dict[str, Any] = {"exchange": "nexus", "exchange_type": "direct"}
    if has_dead_letters(broker_url):
        made["queue_arguments"] = {
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD,
            # A message that is given up leaves its queue when the dead letters have it, and not before.
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }
        made["consumer_arguments"] = {"x-priority": priority}
    return {name: made | {"routing_key": name} for name in QUEUES}


def transport_at(broker_url: str) -> dict[str, Any]:
    """Return Celery's ``broker_transport_options``: RabbitMQ says of each message that it has it."""
    return {"confirm_publish": True} if has_dead_letters(broker_url) else {"queue_order_strategy": "priority"}


def tls_at(broker_url: str) -> tuple[str, dict[str, Any] | None]:
    """Return the address for Celery, and its ``broker_use_ssl``: nothing where the address speaks plainly.

    The server's certificate and name are checked, which Celery by itself does not: it takes any name at ``amqps://``,
    and any certificate at ``rediss://``. What follows ``?`` are redis-py's words, for both: ``ssl_ca_certs``,
    ``ssl_certfile``, ``ssl_keyfile``, ``ssl_cert_reqs``, ``ssl_check_hostname``. Of several addresses, all must show a
    certificate for the name of the first.
    """
    parts = [urlsplit(address) for address in broker_url.split(";")]
    scheme, host = parts[0].scheme, parts[0].hostname
    if scheme not in {"amqps", "rediss"}:
        return broker_url, None
    words: dict[str, Any] = {
        name: value for each in parts for name, value in parse_qsl(each.query) if name.startswith("ssl_")
    }
    words["ssl_cert_reqs"] = _CHECKS[words.get("ssl_cert_reqs", "required")]
    is_named = words.pop("ssl_check_hostname", "true").lower() != "false"
    bare = ";".join(urlunsplit(_without_tls(each)) for each in parts)
    if scheme == "rediss":
        return bare, words | {"ssl_check_hostname": is_named}
    named = {name.removeprefix("ssl_"): value for name, value in words.items()}
    return bare, named | ({"server_hostname": host} if is_named else {})


def _without_tls(parts: SplitResult) -> SplitResult:
    rest = [(name, value) for name, value in parse_qsl(parts.query) if not name.startswith("ssl_")]
    return parts._replace(query=urlencode(rest))
