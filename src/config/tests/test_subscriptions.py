from __future__ import annotations

from importlib import import_module

import pytest
from django.utils.module_loading import import_string

from config.subscriptions import CONDITIONS, HANDLERS_OF_MANY, HANDLERS_OUTSIDE, SUBSCRIPTIONS
from core.events import Event


def fields_of(fact: str) -> set[str]:
    events = vars(import_module(f"{fact.split('.', maxsplit=1)[0]}.events")).values()
    (found,) = (
        each
        for each in events
        if isinstance(each, type) and issubclass(each, Event) and getattr(each, "name", None) == fact
    )
    return set(found.__dataclass_fields__)


@pytest.mark.parametrize("handler", CONDITIONS)
def test_a_condition_is_about_a_field_of_each_fact_that_the_handler_hears_of(handler: str) -> None:
    heard = [fact for fact, handlers in SUBSCRIPTIONS.items() if handler in handlers]

    assert heard
    for fact in heard:
        assert CONDITIONS[handler].keys() <= fields_of(fact)


@pytest.mark.parametrize("handler", HANDLERS_OF_MANY)
def test_a_handler_of_many_stands_beside_one_that_is_subscribed(handler: str) -> None:
    assert any(handler in handlers for handlers in SUBSCRIPTIONS.values())
    assert callable(import_string(handler))
    assert callable(import_string(HANDLERS_OF_MANY[handler]))


@pytest.mark.parametrize("handler", HANDLERS_OUTSIDE)
def test_a_handler_that_calls_others_is_subscribed(handler: str) -> None:
    assert any(handler in handlers for handlers in SUBSCRIPTIONS.values())
    assert callable(import_string(handler))
