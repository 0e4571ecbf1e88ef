from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import money

MINOR = st.integers(-money.MAX_MINOR, money.MAX_MINOR)
CURRENCY = st.sampled_from(["GBP", "JPY", "KWD", "CLF"])


class TestDigits:
    @pytest.mark.parametrize(("currency", "digits"), [("GBP", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("EUR", 2)])
    def test_are_those_of_iso_4217(self, currency: str, digits: int) -> None:
        assert money.digits(currency) == digits


class TestPlainToMinor:
    @given(text=st.from_regex(r"\A[0-9]{0,12}\.?[0-9]{0,5}\Z") | st.text(max_size=6), currency=CURRENCY)
    def test_says_what_to_minor_says_or_nothing(self, text: str, currency: str) -> None:
        minor = money.plain_to_minor(text, currency)

        assert minor is None or minor == money.to_minor(text, currency)

    @pytest.mark.parametrize(
        ("text", "minor"), [("12.50", 1250), ("7", 700), ("0.5", 50), ("1.005", None), ("-1", None)]
    )
    def test_reads_what_most_prices_look_like(self, text: str, minor: int | None) -> None:
        assert money.plain_to_minor(text, "GBP") == minor


class TestToText:
    @pytest.mark.parametrize(
        ("minor", "currency", "text"),
        [(1250, "GBP", "12.50"), (5, "GBP", "0.05"), (-5, "GBP", "-0.05"), (7, "JPY", "7"), (1, "KWD", "0.001")],
    )
    def test_writes_the_digits_of_the_currency(self, minor: int, currency: str, text: str) -> None:
        assert money.to_text(minor, currency) == text

    @given(minor=MINOR, currency=CURRENCY)
    def test_s23_is_undone_by_to_minor(self, minor: int, currency: str) -> None:
        assert money.to_minor(money.to_text(minor, currency), currency) == minor

    @given(minor=MINOR, currency=CURRENCY)
    def test_agrees_with_to_decimal(self, minor: int, currency: str) -> None:
        assert Decimal(money.to_text(minor, currency)) == money.to_decimal(minor, currency)


class TestToMinor:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "x",
            "NaN",
            "sNaN",
            "Infinity",
            "-Infinity",
            "1e999999",
            "1e-999999",
            "0.001",
            "10000000000.01",
            "1.0000000000000000000000000000000000000000001",
            "9" * 5000,
        ],
    )
    def test_s21_refuses_what_is_not_an_amount(self, text: str) -> None:
        with pytest.raises(money.NotMoney):
            money.to_minor(text, "GBP")

    def test_refuses_decimals_of_a_currency_without(self) -> None:
        with pytest.raises(money.NotMoney):
            money.to_minor("1.5", "JPY")

    @given(st.text(max_size=30))
    def test_answers_or_refuses_whatever_the_text(self, text: str) -> None:
        try:
            money.to_minor(text, "GBP")
        except money.NotMoney:
            return


class TestShare:
    @given(minor=MINOR, weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=50).filter(any))
    def test_adds_up_and_is_off_by_less_than_one(self, minor: int, weights: list[int]) -> None:
        parts = money.share(minor, weights)

        assert sum(parts) == minor
        assert all(abs(part * sum(weights) - minor * w) < sum(weights) for part, w in zip(parts, weights, strict=True))

    @given(minor=MINOR, weights=st.lists(st.integers(0, 9), min_size=1, max_size=9).filter(any))
    def test_gives_nothing_to_weight_zero(self, minor: int, weights: list[int]) -> None:
        parts = money.share(minor, weights)

        assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)

    @pytest.mark.parametrize(
        ("minor", "weights", "parts"),
        [
            (100, [1, 1, 1], [34, 33, 33]),
            (101, [1, 1, 1], [34, 34, 33]),
            (7, [3, 1, 3, 1, 2], [2, 1, 2, 1, 1]),
            (2, [0, 1, 1, 1], [0, 1, 1, 0]),
            (-100, [1, 1, 1], [-33, -33, -34]),
        ],
    )
    def test_gives_the_odd_units_to_the_largest_remainders_the_first_of_equal_ones_first(
        self, minor: int, weights: list[int], parts: list[int]
    ) -> None:
        assert money.share(minor, weights) == parts

    @pytest.mark.parametrize("weights", [[], [0, 0], [3, -1]])
    def test_refuses_weights_that_cannot_be_shared_by(self, weights: list[int]) -> None:
        with pytest.raises(ValueError, match="weights"):
            money.share(10, weights)


class TestMoney:
    def test_adds_subtracts_and_multiplies(self) -> None:
        pound = money.Money(100, "GBP")

        assert pound + pound - money.Money(50, "GBP") == money.Money(150, "GBP")
        assert pound * 3 == money.Money(300, "GBP")
        assert str(pound) == "1.00 GBP"

    def test_does_not_mix_currencies(self) -> None:
        with pytest.raises(ValueError, match="do not mix"):
            money.Money(1, "GBP") + money.Money(1, "EUR")

    def test_totals_nothing_to_zero(self) -> None:
        assert money.total([], "JPY") == money.Money(0, "JPY")


class TestPercentOf:
    @pytest.mark.parametrize(
        ("minor", "percent", "rounding", "result"),
        [(1050, "10", "half_up", 105), (5, "10", "half_up", 1), (5, "10", "half_even", 0), (-5, "10", "half_up", -1)],
    )
    def test_rounds_once(self, minor: int, percent: str, rounding: str, result: int) -> None:
        assert money.percent_of(minor, Decimal(percent), rounding) == result  # type: ignore[arg-type]


class TestIsCurrency:
    def test_knows_iso_4217_only(self) -> None:
        assert money.is_currency("GBP")
        assert not any(map(money.is_currency, ["gbp", "GB", "ZZZ", "", "XXX", "XTS", "XAU"]))


class TestPortion:
    @pytest.mark.parametrize(
        ("minor", "numerator", "denominator", "expected"),
        [(335, 1000, 10_000, 34), (334, 1000, 10_000, 33), (-335, 1000, 10_000, -34), (1, 1, 3, 0), (0, 7, 3, 0)],
    )
    def test_rounds_once_and_halves_away_from_zero(
        self, minor: int, numerator: int, denominator: int, expected: int
    ) -> None:
        assert money.portion(minor, numerator, denominator) == expected

    @pytest.mark.parametrize("denominator", [0, -1])
    def test_refuses_a_denominator_that_is_not_positive(self, denominator: int) -> None:
        with pytest.raises(ValueError, match="positive"):
            money.portion(1, 1, denominator)
