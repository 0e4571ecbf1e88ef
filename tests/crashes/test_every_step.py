"""A process dies, or something unforeseen fails, before and after every step, commit and call of a provider.

The oracle is the same story without a fault: orders, payments, stock, the number of rows in every table and the
gateway's ledger are to be as there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from orders.tests.gateway import agree
from tests.crashes.aftermath import AFTERMATH
from tests.crashes.handling import HANDLING
from tests.crashes.house import House
from tests.crashes.points import Broke, Died, Watch
from tests.crashes.stories import STORIES, Story

ALL = STORIES | AFTERMATH | HANDLING


def strike(
    house: House, story: Story, point: int, expected: Mapping[str, Any], *, by: type[BaseException], workers_first: bool
) -> str:
    """Tell a story with a fault at a point, and return what is other than expected; nothing, if all is well."""
    watch = Watch(strike_at=point, by=by)
    try:
        outcome = house.tell(story, watch, workers_first=workers_first)
        agree()
    except Exception as error:  # noqa: BLE001 - all points are tried before the test fails
        return f"{type(error).__name__}: {error}"
    if not watch.struck:
        return "It was not reached."
    names = sorted({*outcome, *expected})
    differing = [name for name in names if outcome.get(name) != expected.get(name)]
    return ", ".join(f"{name}: {outcome.get(name)} instead of {expected.get(name)}" for name in differing)


@pytest.mark.parametrize("workers_first", [False, True])
def test_r25_a_death_at_each_point_of_all_stories_changes_nothing_in_the_end(
    house: House, *, workers_first: bool
) -> None:
    seen: set[str] = set()
    wrong = []

    for name, story in ALL.items():
        watch = Watch()
        expected = house.tell(story, watch)
        assert story.ends in expected["orders"]
        new = {label: point for label, point in watch.distinct().items() if label not in seen}
        seen |= new.keys()
        # After one death in two whoever asked is back before the workers.
        for label, point in list(new.items())[workers_first::2]:
            if said := strike(house, story, point, expected, by=Died, workers_first=workers_first):
                wrong.append(f"{name} / {point} {label}: {said}")

    assert len(seen) > 100
    assert not wrong, "\n".join(wrong)


@pytest.mark.long
@pytest.mark.parametrize(("by", "workers_first"), [(Died, False), (Died, True), (Broke, False), (Broke, True)])
@pytest.mark.parametrize("name", ALL)
def test_r25_a_fault_at_every_point_changes_nothing_in_the_end(
    house: House, name: str, by: type[BaseException], *, workers_first: bool
) -> None:
    story, watch = ALL[name], Watch()
    expected = house.tell(story, watch)

    found = {
        f"{point} {label}": strike(house, story, point, expected, by=by, workers_first=workers_first)
        for point, label in enumerate(watch.passed)
    }

    assert len(found) > 50
    wrong = [f"{where}: {said}" for where, said in found.items() if said]
    assert not wrong, "\n".join(wrong)
