"""Lists within bodies: none is longer than what is named there could be."""

from __future__ import annotations

from collections.abc import Iterator

from tests.journeys.world import Operation, World, undone, writes

_MANY = 50_000
_LISTS = 20


def lists_of_objects() -> Iterator[tuple[Operation, str]]:
    """Return every list of objects in the body of an operation, by its name."""
    for operation in writes():
        for name, described in operation.body_schema.get("properties", {}).items():
            if described.get("type") == "array" and "$ref" in described["items"]:
                yield operation, name


class TestLists:
    def test_s32_of_fifty_thousand_are_refused_by_their_length_alone(self, world: World) -> None:
        found = list(lists_of_objects())

        for operation, name in found:
            with undone():
                answer = world.ask(operation, body={name: [{}] * _MANY})

            assert answer.status_code == 400, operation.name
            told = {error["field"]: error["code"] for error in answer.json()["errors"]}
            assert told[name] == "max_length", operation.name
        assert len(found) >= _LISTS
