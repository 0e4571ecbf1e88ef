from __future__ import annotations

import hashlib
import hmac
import inspect
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event as Flag
from threading import Semaphore
from typing import Any

import httpx
import orjson
import pytest
from pytest_django import Settings

from payments.domain import AttemptStatus
from payments.errors import ProviderUnknown, WebhookRefused
from payments.providers import (
    NewCharge,
    NewRefund,
    OutcomeUnknown,
    Provider,
    ProviderRefused,
    ProviderUnavailable,
    call,
    calling,
    find_provider,
    forget_failures,
)
from payments.providers.flutterwave import Flutterwave
from payments.providers.manual import Manual
from payments.providers.paypal import PayPal
from payments.providers.sandbox import Sandbox
from payments.providers.stripe import Stripe
from payments.tests.factories import NOON

CHARGE = {
    "id": "ch_1",
    "status": "voided",
    "amount": 1250,
    "currency": "GBP",
    "captured": 0,
    "refunded": 0,
    "disputed": 0,
    "reference": "pay-1",
    "next_action": None,
    "failure": None,
    "created": 1,
}
WANTED = NewCharge(
    key="pay-1", amount_minor=1250, currency="GBP", return_url="https://s.example", method="success", capture=True
)


class Wire(httpx.BaseTransport):
    """The far end of the wire: answers as it was told, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.answers: list[httpx.Response | Exception] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def sandbox(wire: Wire, settings: Settings) -> Sandbox:
    provider = Sandbox()
    provider._client = httpx.Client(transport=wire, base_url="http://gateway.example")
    return provider


def problem(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code})


class TestProvider:
    @pytest.mark.parametrize("kind", [Manual, Sandbox, Stripe, PayPal, Flutterwave])
    def test_is_what_each_of_ours_is(self, kind: type) -> None:
        for name, wanted in inspect.getmembers(Provider, inspect.isfunction):
            if name.startswith("_"):
                continue
            assert inspect.signature(getattr(kind, name)) == inspect.signature(wanted)

    def test_is_found_by_its_name(self) -> None:
        assert find_provider("manual").is_by_hand
        with pytest.raises(ProviderUnknown):
            find_provider("barter")


class TestSandbox:
    def test_sends_the_key_and_the_amount_and_nothing_of_a_card(self, sandbox: Sandbox, wire: Wire) -> None:
        wire.answers = [httpx.Response(201, json=CHARGE | {"status": "captured", "captured": 1250})]

        charge = sandbox.create(WANTED)

        (asked,) = wire.asked
        assert asked.headers["Idempotency-Key"] == "pay-1"
        assert orjson.loads(asked.content) == {
            "amount": 1250,
            "currency": "GBP",
            "reference": "pay-1",
            "return_url": "https://s.example",
            "card": "success",
            "capture": True,
            "save": False,
            "saved": None,
        }
        assert (charge.status, charge.captured_minor) == (AttemptStatus.CAPTURED, 1250)

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            (httpx.ConnectError("refused"), ProviderUnavailable),
            (httpx.ConnectTimeout("slow"), ProviderUnavailable),
            (problem(503, "sandbox.unavailable"), ProviderUnavailable),
            (httpx.ReadTimeout("slow"), OutcomeUnknown),
            (httpx.RemoteProtocolError("cut"), OutcomeUnknown),
            (httpx.Response(500, content=b"oops"), OutcomeUnknown),
            (httpx.Response(504), OutcomeUnknown),
            (httpx.Response(200, content=b"<html>"), OutcomeUnknown),
            (httpx.Response(201, json={"id": "ch_1"}), OutcomeUnknown),
            (httpx.Response(201, json=CHARGE | {"status": "odd"}), OutcomeUnknown),
            (problem(409, "core.idempotency_still_running"), OutcomeUnknown),
            (problem(409, "sandbox.key_reused"), ProviderRefused),
            (problem(401, "core.unauthenticated"), ProviderRefused),
        ],
    )
    def test_tells_what_surely_did_not_happen_from_what_may_have(
        self, sandbox: Sandbox, wire: Wire, answer: Any, kind: type[Exception]
    ) -> None:
        wire.answers = [answer]

        with pytest.raises(kind):
            sandbox.create(WANTED)

    def test_finds_a_charge_by_our_reference_without_the_gateways_own(self, sandbox: Sandbox, wire: Wire) -> None:
        wire.answers = [httpx.Response(200, json={"results": [CHARGE]}), httpx.Response(200, json={"results": []})]

        found, missing = (sandbox.fetch(reference="", key="pay-1") for _ in range(2))

        assert found is not None
        assert (found.reference, found.status) == ("ch_1", AttemptStatus.CANCELLED)
        assert missing is None
        assert wire.asked[0].url.query == b"reference=pay-1"

    def test_tells_how_it_stands_where_it_cannot_be_called_off(self, sandbox: Sandbox, wire: Wire) -> None:
        captured = CHARGE | {"status": "captured", "captured": 1250}
        wire.answers = [problem(409, "sandbox.not_possible"), httpx.Response(200, json=captured)]

        charge = sandbox.void(reference="ch_1", key="pay-1-void")

        assert charge.status is AttemptStatus.CAPTURED

    def test_repeats_a_refund_under_its_own_key(self, sandbox: Sandbox, wire: Wire) -> None:
        wire.answers = [httpx.Response(201, json={"id": "re_1", "status": "failed"})]

        said = sandbox.refund(NewRefund(key="refund-1", reference="ch_1", amount_minor=1, currency="GBP"))

        assert (said.is_done, said.failure) == (False, "refund_failed")
        assert wire.asked[0].headers["Idempotency-Key"] == "refund-1"

    def test_reads_a_webhook_that_it_signed(self, sandbox: Sandbox, settings: Settings) -> None:
        body = orjson.dumps({"id": "evt_1", "type": "charge.voided", "created": 1, "data": {"charge": CHARGE}})

        notice = sandbox.parse_webhook(body=body, headers=signed(body, settings.SANDBOX_WEBHOOK_SECRETS[0]), at=NOON)

        assert (notice.event_id, notice.kind) == ("evt_1", "charge.voided")
        assert notice.charge is not None
        assert type(notice.charge).from_dict(notice.charge.as_dict()) == notice.charge

    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}", b'{"id":1,"type":2,"data":3}', b"\xff", b"[" * 9999])
    def test_refuses_what_it_signed_and_cannot_read(self, sandbox: Sandbox, settings: Settings, body: bytes) -> None:
        with pytest.raises(WebhookRefused):
            sandbox.parse_webhook(body=body, headers=signed(body, settings.SANDBOX_WEBHOOK_SECRETS[0]), at=NOON)


def signed(body: bytes, secret: str) -> dict[str, str]:
    stamp = int(NOON.timestamp())
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Sandbox-Signature": f"t={stamp},v1={mac}"}


@pytest.mark.django_db
class TestCall:
    @pytest.fixture(autouse=True)
    def _clock(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        self.now = 1000.0
        monkeypatch.setattr("core.circuits.time.monotonic", lambda: self.now)
        forget_failures()
        yield
        forget_failures()

    def fail(self, name: str = "sandbox", error: Exception | None = None) -> str:
        """Return whether the provider was called at all."""
        called = []

        def ask(provider: Provider) -> None:
            called.append(provider)
            raise error or OutcomeUnknown("x")

        with pytest.raises((OutcomeUnknown, ProviderUnavailable, ProviderRefused)):
            call(name, ask)
        return "called" if called else "spared"

    def test_r29_spares_a_provider_that_failed_three_times_and_no_other(self) -> None:
        assert [self.fail() for _ in range(5)] == ["called"] * 3 + ["spared"] * 2
        assert call("manual", lambda provider: provider.name) == "manual"

    def test_r29_lets_one_try_after_five_seconds(self) -> None:
        for _ in range(3):
            self.fail()
        self.now += 5.1

        assert [self.fail() for _ in range(3)] == ["called", "spared", "spared"]
        self.now += 5.1
        assert call("sandbox", lambda _: "well") == "well"
        assert self.fail() == "called"

    @contextmanager
    def waiting(self, name: str, count: int) -> Iterator[None]:
        """So many callers wait for an answer of the provider within the block."""
        asked, answer = Semaphore(0), Flag()

        def ask(_: Provider) -> bool:
            asked.release()
            return answer.wait(60)

        with ThreadPoolExecutor(count) as pool:
            calls = [pool.submit(call, name, ask) for _ in range(count)]
            try:
                assert all(asked.acquire(timeout=60) for _ in calls)
                yield
            finally:
                answer.set()
        assert all(done.result() for done in calls)

    def test_r29_spares_a_provider_that_three_wait_for_for_three_seconds_and_no_other(self) -> None:
        with self.waiting("sandbox", 3):
            self.now += 3.1

            assert self.fail() == "spared"
            assert call("manual", lambda provider: provider.name) == "manual"
        assert call("sandbox", lambda _: "well") == "well"

    def test_r29_leaves_a_thread_to_everybody_else(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.PAYMENT_CALLS_AT_ONCE = 2
        monkeypatch.setattr(calling, "_SECONDS_FOR_A_TURN", 0.01)
        with self.waiting("sandbox", 2):
            assert self.fail() == "spared"
            assert call("manual", lambda provider: provider.name) == "manual"
        assert call("sandbox", lambda _: "well") == "well"

    def test_r29_waits_its_turn_behind_those_that_are_soon_done(self, settings: Settings) -> None:
        settings.PAYMENT_CALLS_AT_ONCE = 1

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda number: call("sandbox", lambda _: number), range(8)))

        assert answers == list(range(8))

    def test_does_not_hold_a_refusal_against_it(self) -> None:
        assert {self.fail(error=ProviderRefused("card_declined")) for _ in range(9)} == {"called"}
