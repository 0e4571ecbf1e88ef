from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from celery import current_app

from core import courier, tracing
from core.tracing import span


class Recorder:
    """Keeps what it is asked for."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, str, dict[str, str]]] = []

    def span(self, name: str, parent: str, facts: dict[str, str]) -> AbstractContextManager[object]:
        @contextmanager
        def block() -> Iterator[None]:
            self.spans.append((name, parent, facts))
            yield

        return block()

    def here(self) -> str:
        return "00-aa-bb-01"


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    made = Recorder()
    tracing.keep_in(made)
    yield made
    tracing.keep_in(None)


class TestSpan:
    def test_is_nothing_while_nobody_keeps_it(self) -> None:
        with span("nothing", parent="00-aa-bb-01", id="1"):
            assert tracing.here() == ""

        assert not tracing.is_on()
        assert span("one") is span("other")

    def test_goes_to_whoever_keeps_it(self, recorder: Recorder) -> None:
        with span("something", parent="00-cc-dd-01", id="1"):
            pass

        assert recorder.spans == [("something", "00-cc-dd-01", {"id": "1"})]


class TestCourier:
    def test_takes_the_trace_of_who_asked_first_along(
        self, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent: list[object] = []
        monkeypatch.setattr(current_app, "send_task", lambda task, **options: sent.append(options["headers"]))

        carrier = courier._Courier()
        carrier._ask("core.tasks.relay", tracing.here())
        carrier._ask("core.tasks.relay", "")

        assert sent == [{"traceparent": "00-aa-bb-01"}, None]
