"""How a worker begins to consume. Celery loads this where a worker runs, and nowhere else."""

from __future__ import annotations

from typing import Any

import structlog
from celery.bootsteps import StartStopStep
from celery.worker.consumer import Connection
from celery.worker.consumer import Consumer as CeleryConsumer
from django.conf import settings
from kombu import Exchange, Queue

log = structlog.get_logger(__name__)

_DELAYING = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class DeadLetters(StartStopStep):
    """Makes the queue of what the broker gives up, where it has one, each time the worker connects."""

    requires = (Connection,)

    def start(self, parent: Any) -> None:
        """Declare it. It is there already, most of the time."""
        name = settings.DEAD_LETTER_QUEUE
        if name:
            kept = Queue(name, Exchange(name, type="fanout"), queue_arguments={"x-queue-type": "quorum"})
            with parent.connection.channel() as channel:
                kept(channel).declare()


class Consumer(CeleryConsumer):
    """Celery's, but for two things.

    It makes no 28 queues for tasks with a delay: there are none here, the outbox waits by its table. And a message that
    nobody can read is refused, which puts it among the dead letters, not taken for done.
    """

    class Blueprint(CeleryConsumer.Blueprint):  # type: ignore[misc, valid-type]
        """The steps of its start."""

        default_steps = [
            f"{__name__}:DeadLetters" if step == _DELAYING else step for step in CeleryConsumer.Blueprint.default_steps
        ]

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Refuse what is no message of ours."""
        log.critical("message cannot be read", error=type(exc).__name__)
        message.reject_log_error(log, self.connection_errors)  # type: ignore[attr-defined]
