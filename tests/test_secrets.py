"""What the scanner for secrets is told to let be (``.secrets.baseline``, read by ``make lint-infra``) is no secret."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parents[1]
# File -> why what looks like a secret there is none.
NO_SECRETS = {
    "docs/api/openapi.yaml": "examples of the schema: the digest of a zero, a token of Mailgun's manual",
    "scripts/bench/kept.json": "the commit that was measured",
    "src/accounts/services/codes.py": "the letters that codes are made of",
    "src/accounts/tests/test_api.py": "the digest of 'abc'",
    "src/config/tests/test_settings.py": "keys of examples, which production refuses",
    "src/core/api/audit.py": "an example: the digest of a zero",
    "src/core/tests/test_api.py": "a request's id",
    "src/core/tests/test_privacy.py": "a token of RFC 7519's kind and an id, which the logs leave out and keep",
    "src/notifications/api/reports.py": "an example of Mailgun's manual",
    "src/orders/domain/states.py": "the letters that numbers are made of",
    "src/payments/domain.py": "the letters that codes are made of",
    "src/pricing/tests/test_tax_rules.py": "VAT numbers",
    "src/promotions/services/coupons.py": "the letters that codes are made of",
}


def test_s41_what_the_scanner_lets_be_is_known_to_be_no_secret() -> None:
    known = json.loads((ROOT / ".secrets.baseline").read_text())["results"]

    assert known.keys() == NO_SECRETS.keys()
    assert [found for entries in known.values() for found in entries if found["is_secret"] is not False] == []
