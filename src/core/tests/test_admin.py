from __future__ import annotations

import pytest

from core.admin.base import in_words
from core.errors import Conflict, Malformed
from core.tables import harmless


class TestHarmless:
    @pytest.mark.parametrize("cell", ["=1", "+a", "-a", "@a", "\ta", "\ra", "  =1", "\uff1d1", "+44 20"])
    def test_s25_puts_an_apostrophe_before_what_looks_like_a_formula(self, cell: str) -> None:
        assert harmless(cell) == f"'{cell}"

    @pytest.mark.parametrize("cell", ["-5", "+5", "-5.25", "a=b", "", " a", None, 5, "5 - 4"])
    def test_s25_leaves_numbers_and_words_alone(self, cell: object) -> None:
        assert harmless(cell) == cell


class TestInWords:
    def test_names_the_facts_of_a_refusal(self) -> None:
        assert in_words(Conflict(on_hand={"A-1": 3})) == f"{Conflict.title} (on hand: A-1: 3)"

    def test_reads_out_the_errors_of_fields(self) -> None:
        assert in_words(Malformed.field("name", "Too long.")) == f"{Malformed.title} Too long."
