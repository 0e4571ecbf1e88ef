from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crashes.clock import set_clock
from tests.crashes.desk import workers_at_hand
from tests.crashes.house import House


@pytest.fixture
def house(transactional_db: None) -> Iterator[House]:
    """A shop with a clock to set and its workers at hand."""
    with set_clock() as clock, workers_at_hand():
        yield House(clock)
