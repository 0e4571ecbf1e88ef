"""Whether what was counted agrees with what was used."""

from __future__ import annotations

from django.db import connection

_CHECKS = {
    "promotion {0}: {1} uses counted, {2} found": """
        SELECT p.name, p.uses, count(u.id) FROM promotions_promotion p
          LEFT JOIN promotions_promotionuse u ON u.promotion_id = p.id AND u.returned_at IS NULL
         WHERE p.usage_limit IS NOT NULL GROUP BY p.id HAVING p.uses <> count(u.id)""",
    "coupon {0}: {1} uses counted, {2} found": """
        SELECT c.code, c.uses, count(u.id) FROM promotions_coupon c
          LEFT JOIN promotions_promotionuse u ON u.coupon_id = c.id AND u.returned_at IS NULL
         WHERE c.usage_limit IS NOT NULL GROUP BY c.id HAVING c.uses <> count(u.id)""",
}


def find_differences() -> list[str]:
    """Count all uses anew and return what does not agree, in words. Two queries over all rows."""
    found = []
    with connection.cursor() as cursor:
        for sentence, query in _CHECKS.items():
            cursor.execute(query)
            found += [sentence.format(*row) for row in cursor.fetchall()]
    return found
