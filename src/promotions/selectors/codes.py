"""How codes are compared."""

from __future__ import annotations

import unicodedata

MAX_KEY = 200


def code_key(code: str) -> str:
    """Return the form in which codes are compared: NFKC, case-folded (Unicode, section 3.13), without outer spaces.

    What no code can look like (unprintable, with spaces inside, too long) has the empty key.
    """
    # Before normalising, which takes quadratic time on long runs of combining marks.
    if len(code) > MAX_KEY:
        return ""
    key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", code.strip()).casefold()).strip()
    return key if key.isprintable() and " " not in key and len(key) <= MAX_KEY else ""
