"""What may not stand in a log or a report of a defect: addresses, tokens, card numbers, and rows of the database."""

from __future__ import annotations

import re

_EMAIL = re.compile(r"[^\s\"'<>()=,;:@]{1,64}@[^\s\"'<>()=,;:@]{1,255}")
_BEARER = re.compile(r"(?i)\b(bearer|basic|token)\s+[A-Za-z0-9._~+/=-]{16,}")
_JWT = re.compile(r"(?<![A-Za-z0-9_.-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*")
# What PostgreSQL adds to a refusal: values of the row, or of the key.
# It ends where the next traceback of the same text begins.
_DETAIL = re.compile(r"(DETAIL|CONTEXT|STATEMENT):.*?(?=\n\nThe above exception|\n\nDuring handling|\Z)", re.DOTALL)
_QUOTED = re.compile(r"(invalid input (?:syntax|value)[^:\n]{0,80}: )\"[^\n]*\"")
_MANY_DIGITS = re.compile(r"[\d -]{13}")
_DIGITS = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")


def redact(text: str) -> str:
    """Return the text without e-mail addresses, tokens, card numbers and the values that the database quotes.

    What is none of these costs some looks for a character each.
    """
    if "@" in text:
        text = _EMAIL.sub("[e-mail]", text)
    if "eyJ" in text:
        text = _JWT.sub("[token]", text)
    if "earer " in text or "asic " in text or "oken " in text:
        text = _BEARER.sub(r"\1 [token]", text)
    if "DETAIL:" in text or "CONTEXT:" in text or "STATEMENT:" in text:
        text = _DETAIL.sub(r"\1: […]", text)
    if "invalid input " in text:
        text = _QUOTED.sub(r"\1[…]", text)
    if len(text) > 12 and _MANY_DIGITS.search(text):
        text = _DIGITS.sub(_hidden_card, text)
    return text


def _hidden_card(found: re.Match[str]) -> str:
    digits = [int(digit) for digit in found[0] if digit.isdigit()]
    return "[card]" if _is_card(digits) else found[0]


def _is_card(digits: list[int]) -> bool:
    """Tell whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    doubled = [digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0
