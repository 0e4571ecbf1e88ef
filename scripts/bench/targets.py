"""What is to be reached (CPU milliseconds of application and PostgreSQL together; others as named)."""

from __future__ import annotations

from bench.pricing import CHECKOUT, QUOTES
from bench.reads import ANEW, REMEMBERED, UNCHANGED
from bench.writes import ADD

_FEW, _MANY = QUOTES
_READS_MS = {**dict.fromkeys(("list", "filtered list", "category", "detail"), 0.45), "search": 1.5}
CPU_MS = {
    **_READS_MS,
    **{f"{name}{ANEW}": _READS_MS[name] for name in REMEMBERED},
    ADD: 2.0,
    "order, 1 line": 4.0,
    "order, 20 lines": 6.0,
    _FEW: 5.0,
    _MANY: 10.0,
    CHECKOUT: 15.0,
}
STATEMENTS = {
    **dict.fromkeys((*_READS_MS, *(f"{name}{ANEW}" for name in REMEMBERED)), 1),
    ADD: 5,
    "order, 1 line": 15,
    "order, 20 lines": 15,
    _FEW: 6,
    _MANY: 6,
    CHECKOUT: 45,
}
# The CPU of the bare view, shared by that of the read: at least so much.
OF_BARE = {f"{name}{UNCHANGED}": 0.8 for name in ("list", "filtered list", "category", "detail")}
OF_NGINX = 0.8
RACE_SECONDS = 1.0
HOT_PER_SECOND = 500.0
HOT_P99_MS = 500.0
HOT_HELD_P99_MS = 50.0
HOT_OTHERS = 1.2
ORDERS_PER_SECOND = 100.0
IMPORT_PER_SECOND = 8000.0
REPLAY_PER_SECOND = 60.0
SECOND_START_SECONDS = 1.5
WEB_MB = 90.0
VERIFY_SECONDS = 30.0
REHEARSAL_SECONDS = 30.0
WEBHOOKS_PER_SECOND = 300.0
WEBHOOK_MS = 100.0
