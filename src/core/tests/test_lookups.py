from __future__ import annotations

import pytest
from django.db import connection

from core.lookups import array_literal


@pytest.mark.django_db
class TestArrayLiteral:
    @pytest.mark.parametrize("texts", [[], [""], ["a", "NULL", 'q"{,}', "\\N\\", " b\n\t", "ünï"]])
    def test_is_read_back_by_the_database_as_it_was(self, texts: list[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::text[]", [array_literal(texts)])

            (found,) = cursor.fetchone()

        assert found == texts

    @pytest.mark.parametrize("texts", [["a\0b"], ["a", "\0"]])
    def test_refuses_what_no_text_of_the_database_contains(self, texts: list[str]) -> None:
        with pytest.raises(ValueError, match="NUL"):
            array_literal(texts)
