"""Which queue a task waits in, so that money waits for no mail and no import, and what each kind of broker is told.

Quorum queues of RabbitMQ before 4.0 know no priorities of messages: what is urgent has a queue and workers of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MONEY, MAIL, BULK = "nexus.money", "nexus.mail", "nexus.bulk"
# The most urgent first: the order in which one worker for all looks into them where the broker is Redis.
QUEUES = (MONEY, MAIL, BULK)
DEAD = "nexus.dead"
# How often RabbitMQ hands out a message whose worker is lost with it.
DELIVERY_LIMIT = 10

# The first that a name begins with; what is not named here can wait.
_KINDS = (
    ("core.tasks.relay", MONEY),
    ("payments.", MONEY),
    ("orders.", MONEY),
    ("sandbox.", MONEY),
    ("notifications.", MAIL),
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
