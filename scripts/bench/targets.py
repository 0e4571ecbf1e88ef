"""What is to be reached (CPU milliseconds of application and PostgreSQL together; others as named)."""

from __future__ import annotations

from bench.pricing import CHECKOUT, QUOTES
from bench.writes import ADD

_FEW, _MANY = QUOTES
CPU_MS = {
    "list": 0.8,
    "detail": 0.8,
    ADD: 6.0,
    "order, 1 line": 12.0,
    "order, 20 lines": 16.0,
    _FEW: 5.0,
    _MANY: 10.0,
    CHECKOUT: 25.0,
}
STATEMENTS = {
    "list": 1,
    "detail": 1,
    ADD: 8,
    "order, 1 line": 20,
    "order, 20 lines": 20,
    _FEW: 6,
    _MANY: 6,
    CHECKOUT: 45,
}
RACE_SECONDS = 3.0
IMPORT_PER_SECOND = 3000.0
REPLAY_PER_SECOND = 60.0
SECOND_START_SECONDS = 4.0
TWO_WEB_MB = 250.0
VERIFY_SECONDS = 30.0
REHEARSAL_SECONDS = 30.0
WEBHOOKS_PER_SECOND = 300.0
WEBHOOK_MS = 100.0
