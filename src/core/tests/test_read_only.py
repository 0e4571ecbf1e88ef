"""A server that does not take writes any more."""

from __future__ import annotations

import pytest
from django.db import InternalError, connection
from psycopg.errors import ReadOnlySqlTransaction

from core.api.problems import as_domain_error
from core.errors import Unavailable


@pytest.mark.django_db(transaction=True)
class TestServerThatTakesNoWrites:
    def test_is_answered_503_and_not_asked_again(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = on")
            with pytest.raises(InternalError) as refused:
                cursor.execute("CREATE TABLE none_such (n integer)")
        asked = connection.connection

        problem = as_domain_error(refused.value)

        assert isinstance(refused.value.__cause__, ReadOnlySqlTransaction)
        assert isinstance(problem, Unavailable)
        assert asked.closed
        connection.close()

    def test_other_inner_errors_are_defects(self) -> None:
        assert as_domain_error(InternalError("cache lookup failed")) is None
