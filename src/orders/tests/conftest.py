"""Before every test: no provider is remembered as being down."""

from __future__ import annotations

import pytest

from payments.providers import forget_failures


@pytest.fixture(autouse=True)
def _all_providers_are_well() -> None:
    forget_failures()
