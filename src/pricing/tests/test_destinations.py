from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pricing.domain.destinations import Destination


class TestAreas:
    @pytest.mark.parametrize("written", ["NY", "ny", "US-NY", "us-ny", "New York", " new york "])
    def test_know_a_region_however_it_is_written(self, written: str) -> None:
        assert Destination(country="US", region=written).areas == ("US-NY",)

    def test_go_up_to_what_the_region_is_part_of(self) -> None:
        assert Destination(country="ES", region="Las Palmas").areas == ("ES-GC", "ES-CN")

    @pytest.mark.parametrize(
        ("country", "postal_code", "area"),
        [
            ("ES", "35001", "ES-GC"),
            ("ES", "51001", "ES-CE"),
            ("FI", "22100", "FI-01"),
            ("GB", " bt1 1aa", "GB-NIR"),
            ("PT", "9000-042", "PT-30"),
            ("PT", "9500", "PT-20"),
        ],
    )
    def test_follow_the_post_code_where_tax_differs(self, country: str, postal_code: str, area: str) -> None:
        assert Destination(country=country, postal_code=postal_code).areas[0] == area

    @pytest.mark.parametrize(
        ("country", "region"), [("US", ""), ("US", "Bavaria"), ("ZZ", "NY"), ("", ""), ("GB", "US-NY"), ("US", "US-ZZ")]
    )
    def test_are_empty_where_the_region_is_not_known(self, country: str, region: str) -> None:
        assert Destination(country=country, region=region).areas == ()

    @given(some.text(max_size=50), some.text(max_size=50), some.text(max_size=20))
    def test_s24_take_any_text(self, country: str, region: str, postal_code: str) -> None:
        areas = Destination(country=country, region=region, postal_code=postal_code).areas

        assert all(area.startswith(f"{country}-") for area in areas)
