"""After every test, whatever it did: the gateway's books agree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from django.db import connection

from sandbox import selectors


@pytest.fixture
def _books_agree(db: None) -> Iterator[None]:
    yield
    assert selectors.find_differences() == []


@pytest.fixture
def _books_agree_after_races(transactional_db: None) -> Iterator[None]:
    yield
    with closing(connection):
        assert selectors.find_differences() == []
