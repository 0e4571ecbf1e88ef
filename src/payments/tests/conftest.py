"""The far ends of all providers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from payments.providers import Provider, calling
from payments.tests.far_end import FarEnd
from payments.tests.flutterwave_far import FlutterwaveFar
from payments.tests.paypal_far import PayPalFar
from payments.tests.stripe_far import StripeFar


@pytest.fixture(params=[StripeFar, PayPalFar, FlutterwaveFar], ids=lambda kind: str(kind.name))
def far(request: pytest.FixtureRequest, settings: Settings) -> Iterator[FarEnd]:
    """A provider's far end, at which the settings point."""
    settings.PAYMENT_TIMEOUT_SECONDS = 0.4
    # There is no order, to which the money would be sent back.
    settings.EVENT_INLINE_SUBSCRIPTIONS = {}
    calling._load.cache_clear()
    with request.param() as far_end:
        far_end.configure(settings)
        yield far_end
    calling._load.cache_clear()


@pytest.fixture
def provider(far: FarEnd) -> Provider:
    """Our side of the wire."""
    return calling.find_provider(far.name)
