"""The whole schema, asked by a machine (schemathesis): nothing breaks, and nothing answers what is not described."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as limits
from hypothesis import strategies as st
from pytest_django import Settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from config.wsgi import long_way
from tests.journeys.world import Operation, World, document, operations, undone

ANSWERS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
APPS = sorted({operation.described["tags"][0] for operation in operations()})
# A hundred files and more are refused by their number, before the form is read.
REFUSALS = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429"]
_QUICK, _LONG = 4, 100


def _schema() -> Any:
    config = SchemathesisConfig.from_dict(
        {
            "generation": {"with-security-parameters": False},
            "checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}},
        }
    )
    return schemathesis.openapi.from_dict(document(), config=config)


def _cases(schema: Any, operation: Operation, world: World) -> st.SearchStrategy[tuple[Any, bool]]:
    """Return generated requests, most of them to things that are there, some of them otherwise accepted.

    With each stands whether it is as generated, so that what the schema refuses has to be refused.
    """
    described = schema[operation.path][operation.method.upper()]
    accepted = None if operation.is_form else world.body_of(operation)

    @st.composite
    def aimed(draw: Any) -> tuple[Any, bool]:
        mode = draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
        case = draw(described.as_strategy(mode))
        real = draw(st.sampled_from(["nothing", "path", "path and body"]))
        if real != "nothing" and case.path_parameters:
            case.path_parameters = world.path_values(operation)
        if real == "path and body" and accepted and isinstance(case.body, dict) and case.body:
            name = draw(st.sampled_from(sorted(case.body)))
            case.body = {**accepted, name: case.body[name]}
        return case, mode is GenerationMode.NEGATIVE and real == "nothing"

    return aimed()


def complaints(who: str, app: str, *, examples: int) -> list[str]:
    """Ask the operations of an app so many times each and return what is wrong with the answers."""
    world, schema, found = World(), _schema(), []
    for operation in operations():
        if operation.described["tags"] != [app]:
            continue

        @seed(20261121)
        @limits(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(_cases(schema, operation, world))
        def ask(asked: tuple[Any, bool]) -> None:
            case, is_negative = asked
            with undone():
                # The short way has connections of its own, which do not see what this one has not committed.
                response = case.call(app=long_way, headers=world.as_(who))
            case.validate_response(response, checks=[*ANSWERS, *([negative_data_rejection] if is_negative else [])])

        try:
            ask()
        except BaseExceptionGroup as errors:
            found += [f"{operation.name} as {who}: {error}" for error in errors.exceptions]
        except Exception as error:  # noqa: BLE001 - whatever it is, the other operations are asked, too
            found.append(f"{operation.name} as {who}: {error}")
    return found


@pytest.fixture(autouse=True)
def _shop(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Let everyone ask as often as they like, on the connection of the test (as Django's own test client does)."""
    settings.THROTTLES = False
    settings.MEDIA_ROOT = tmp_path
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("who", ["nobody", "owner", "manager"])
class TestSchema:
    def test_describes_every_answer_and_nothing_breaks(self, who: str, app: str) -> None:
        assert complaints(who, app, examples=_QUICK) == []

    @pytest.mark.long
    def test_describes_every_answer_to_a_hundred_of_each(self, who: str, app: str) -> None:
        assert complaints(who, app, examples=_LONG) == []
