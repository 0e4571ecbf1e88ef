"""What strangers send, and whether it is answered as the schema says."""

from __future__ import annotations

from typing import Any

import orjson

from tests.journeys.world import Operation

SQL = ("' OR 1=1 --", '"; DROP TABLE orders_order; --', "1) UNION SELECT NULL --", "'||pg_sleep(5)||'", "\\' OR 'x'='x")
TEMPLATES = ("{{7*7}}", "${7*7}", "{% debug %}", "<%= 7*7 %>", "%(x)s %s %n", "{0.__class__}")
MARKUP = ("<script>alert(1)</script>", "javascript:alert(1)", "<img src=x onerror=alert(1)>")
HEADERS = ("a\r\nSet-Cookie: x=1", "a\nBcc: x@example.com", "a\r\n\r\n<html>")
LDAP = ("*)(uid=*))(|(uid=*", "../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "|id;`id`$(id)")
UNICODE = ("\x00", "a\x00b", "\u202eevil", "\ufeff", "\u0430dmin", "Z\u0351\u036b" * 50, "\U0001f600", "\x7f\x1b[31m")


def is_described(operation: Operation, answer: Any) -> bool:
    """Tell whether it is an answer of the schema, and no defect."""
    return answer.status_code < 500 and str(answer.status_code) in operation.described["responses"]


def plain(answer: Any) -> Any:
    body = orjson.loads(answer.content) if "json" in answer.headers.get("Content-Type", "") else {}
    return {key: value for key, value in body.items() if key in ("count", "results", "code")}
