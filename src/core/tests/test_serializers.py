from __future__ import annotations

from datetime import date

import pytest
from rest_framework import serializers

from core.api.serializers import Input


class Place(Input):
    city = serializers.CharField()
    code = serializers.CharField()


class Parcel(Input):
    weight = serializers.IntegerField(min_value=1)
    to = Place()


class Later(serializers.DateField):
    """A date that must not be before the one that the context names."""

    def to_internal_value(self, value: date | str) -> date:
        found = super().to_internal_value(value)
        if found < self.context["first"]:
            self.fail("invalid", format="a later day")
        return found


class TestInput:
    def test_shares_its_fields_and_nothing_of_what_was_sent(self) -> None:
        good, bad = Parcel(data={"weight": 2, "to": {"city": "Oslo", "code": "1"}}), Parcel(data={"weight": 0})

        outcomes = [good.is_valid(), bad.is_valid()]

        assert outcomes == [True, False]
        assert good.validated_data == {"weight": 2, "to": {"city": "Oslo", "code": "1"}}
        assert (good.errors, sorted(bad.errors)) == ({}, ["to", "weight"])
        assert good.fields["weight"] is bad.fields["weight"]

    def test_of_a_part_demands_nothing_inside_either(self) -> None:
        whole = Parcel(data={"to": {"city": "Oslo"}})
        part = Parcel(data={"to": {"city": "Oslo"}}, partial=True)

        assert not whole.is_valid()
        assert part.is_valid()
        assert part.validated_data == {"to": {"city": "Oslo"}}

    def test_with_a_context_shows_it_to_its_fields(self) -> None:
        class Visit(Input):
            day = Later()

        first = serializers.DateField().to_internal_value("2026-03-01")

        early = Visit(data={"day": "2026-02-28"}, context={"first": first})
        late = Visit(data={"day": "2026-03-01"}, context={"first": first})

        assert (early.is_valid(), late.is_valid()) == (False, True)

    @pytest.mark.parametrize("sent", [{"weight": 1, "to": {"city": "Oslo", "code": "1"}, "colour": "red"}, {"a": 1}])
    def test_refuses_a_field_that_it_does_not_declare(self, sent: dict[str, object]) -> None:
        body = Parcel(data=sent)

        assert not body.is_valid()
        assert [error.code for errors in body.errors.values() for error in errors] == ["unknown"]
