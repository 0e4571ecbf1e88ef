"""The figures of the shop: what each is called, what it counts, and in which unit. The one list of them."""

from __future__ import annotations

from dataclasses import dataclass

# Of answers: a list of products takes one of the first, a checkout one in the middle.
SECONDS_OF_REQUESTS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SECONDS_OF_WORK = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0)


@dataclass(frozen=True, slots=True)
class Meter:
    """One figure.

    :param known: labels of which there is a series from the start, so that the first one counted is an increase
    """

    name: str
    told: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    known: tuple[tuple[str, ...], ...] = ()


COUNTERS = {
    "requests": Meter("nexus_http_requests_total", "Answered requests.", ("route", "method", "status")),
    "statements": Meter("nexus_http_statements_total", "SQL statements sent while requests were answered.", ("route",)),
    "facts": Meter("nexus_facts_total", "Facts announced, by name.", ("fact",)),
    "orders": Meter(
        "nexus_orders_total",
        "Orders that came into a state; placed is the first.",
        ("state",),
        known=(("placed",), ("paid",), ("shipped",), ("delivered",), ("cancelled",)),
    ),
    "carts_opened": Meter("nexus_carts_opened_total", "Carts that got their first item."),
    "payment_attempts": Meter("nexus_payments_total", "Attempts to pay that came to a result.", ("provider", "result")),
    "provider_failures": Meter(
        "nexus_provider_failures_total", "Calls of payment providers that failed or were not answered.", ("provider",)
    ),
    "refusals": Meter("nexus_refusals_total", "Refused requests, by the code of the problem.", ("code",)),
    "stock_conflicts": Meter(
        "nexus_stock_conflicts_total",
        "Requests refused for the stock: more was wanted than was free, or it had moved.",
        ("code",),
        known=(("inventory.out_of_stock",),),
    ),
    "deliveries": Meter(
        "nexus_deliveries_total", "Tries to deliver a fact: done, failed, or given up (dead).", ("handler", "result")
    ),
    "searches": Meter(
        "nexus_searches_total",
        "Searches that a search engine was asked to answer, by who did.",
        ("by",),
        known=(("opensearch",), ("postgresql",)),
    ),
    "search_failures": Meter(
        "nexus_search_failures_total",
        "Calls of the search engine that failed or were not answered in time.",
        ("what",),
        known=(("question",), ("write",)),
    ),
    "mails": Meter("nexus_mails_total", "Tries to send a mail.", ("result",), known=(("sent",), ("failed",))),
    "tasks": Meter("nexus_tasks_total", "Background tasks that ended.", ("task", "state")),
}
HISTOGRAMS = {
    "request": Meter(
        "nexus_http_request_seconds", "Time to answer a request.", ("route", "method"), SECONDS_OF_REQUESTS
    ),
    "task": Meter("nexus_task_seconds", "Time that a background task took.", ("task",), SECONDS_OF_WORK),
    "queue_wait": Meter(
        "nexus_queue_wait_seconds", "Time that a message was under way to a worker.", ("queue",), SECONDS_OF_WORK
    ),
}
# What the database tells (config.seeing.figures); each process tells the same: take the largest.
GAUGES = {
    "info": Meter("nexus_info", "1; the version of the shop.", ("version",)),
    "database_up": Meter("nexus_database_up", "1 if the database answered when it was asked last, else 0."),
    "outbox_owed": Meter("nexus_outbox_owed", "Deliveries that are owed, at most 10,000 of them."),
    "outbox_lag": Meter("nexus_outbox_lag_seconds", "Age of the oldest fact that was not delivered to all."),
    "outbox_dead": Meter("nexus_outbox_dead", "Deliveries that were given up, at most 10,000 of them."),
    "queue_age": Meter(
        "nexus_queue_age_seconds", "How long the first in a queue is overdue: outbox, mail, and those of the broker.",
        ("queue",),
    ),
    "heartbeat": Meter(
        "nexus_heartbeat_age_seconds", "Time since a worker last got what the clock sent it.", ("queue",)
    ),
    "mails_waiting": Meter("nexus_mails_waiting", "Mails that are to be sent, at most 10,000 of them."),
    "payments_unresolved": Meter(
        "nexus_payments_unresolved", "Attempts to pay whose end is not known, at most 10,000 of them.", ("status",)
    ),
    "payments_unknown_age": Meter(
        "nexus_payments_unknown_age_seconds", "Since when it is not known what became of the oldest such attempt."
    ),
    "refunds_unresolved": Meter("nexus_refunds_unresolved", "Refunds that no provider has confirmed yet."),
    "dead_letters": Meter(
        "nexus_dead_letters", "Messages, but deliveries, that the broker gave up and nobody sent again, at most 10,000."
    ),
    "books": Meter("nexus_books_disagreements", "Differences that the last verification of the books found."),
    "books_at": Meter(
        "nexus_books_verified_timestamp_seconds", "When the books were last verified, since 1970; 0: never."
    ),
    "audit": Meter("nexus_audit_breaks", "Breaks that the last verification of the audit log found."),
    "audit_at": Meter(
        "nexus_audit_verified_timestamp_seconds", "When the audit log was last verified, since 1970; 0: never."
    ),
    "backup_at": Meter(
        "nexus_backup_last_timestamp_seconds", "The last moment that a backup can bring back, since 1970; 0: none."
    ),
}  # fmt: skip


def names() -> set[str]:
    """Every name that stands in what is exposed, those of histograms with their endings."""
    of_histograms = {f"{m.name}_{end}" for m in HISTOGRAMS.values() for end in ("bucket", "count", "sum")}
    return of_histograms | {meter.name for meter in (*COUNTERS.values(), *GAUGES.values())}
