"""What runs on the clock."""

from __future__ import annotations

from typing import Any

from config.queues import QUEUES

EVERY_SECONDS = 15.0
MINUTE = 60.0
HOUR = 60 * MINUTE

_BEATS: dict[str, dict[str, Any]] = {
    f"tell whether {queue} is served": {
        "task": "core.tasks.beat",
        "schedule": EVERY_SECONDS,
        "options": {"queue": queue, "expires": MINUTE},
    }
    for queue in QUEUES
}
BEAT_SCHEDULE: dict[str, dict[str, Any]] = _BEATS | {
    "relay due deliveries": {"task": "core.tasks.relay", "schedule": 5.0},
    "write down what the broker gave up": {"task": "core.tasks.collect_dead_letters", "schedule": MINUTE},
    "forget finished deliveries": {"task": "core.tasks.forget_finished", "schedule": HOUR},
    "forget expired idempotency keys": {"task": "core.tasks.forget_expired_keys", "schedule": HOUR},
    "sweep files that nobody names": {"task": "core.tasks.sweep_files", "schedule": HOUR},
    "tell the head of the audit log": {"task": "core.tasks.tell_audit_head", "schedule": HOUR},
    # Each hour it is asked whether a day has passed: a clock that begins anew each night forgets no day.
    "verify the books": {"task": "config.tasks.verify_books", "schedule": HOUR},
    "verify the audit log": {"task": "config.tasks.verify_audit", "schedule": HOUR},
    "send waiting mail": {"task": "notifications.tasks.send_waiting_mail", "schedule": 5.0},
    "forget old notifications": {"task": "notifications.tasks.forget_old", "schedule": HOUR},
    "forget spent tokens": {"task": "accounts.tasks.forget_spent_tokens", "schedule": HOUR},
    "release expired reservations": {"task": "orders.tasks.expire_unpaid_orders", "schedule": 30.0},
    "scrub what came while a person was erased": {"task": "orders.tasks.scrub_erased", "schedule": HOUR},
    "ask about payments": {"task": "payments.tasks.sweep", "schedule": 15.0},
    "forget declined cards": {"task": "payments.tasks.forget_declines", "schedule": HOUR},
    "show price lists by the clock": {"task": "products.tasks.follow_clock", "schedule": MINUTE},
    "gather what is listed": {"task": "products.tasks.gather_tallies", "schedule": MINUTE},
    "forget abandoned carts": {"task": "carts.tasks.forget_abandoned", "schedule": HOUR},
}

# Only where SEARCH_URL names an OpenSearch.
SEARCH_SCHEDULE: dict[str, dict[str, Any]] = {
    "fill indexes that are missing": {"task": "products.tasks.keep_search", "schedule": MINUTE},
}

# Only where the gateway for development runs.
SANDBOX_SCHEDULE: dict[str, dict[str, Any]] = {
    "send the gateway's webhooks": {"task": "sandbox.tasks.send_due_events", "schedule": 5.0},
    "settle the gateway's slow charges": {"task": "sandbox.tasks.settle_due", "schedule": 5.0},
}
