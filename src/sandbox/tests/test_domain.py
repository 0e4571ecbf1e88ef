from __future__ import annotations

import hashlib
import hmac

import pytest

from core.errors import Malformed
from sandbox.domain import Status, can_become, check_return_url, origin_of, sign


class TestSign:
    def test_is_the_hmac_of_time_and_raw_bytes(self) -> None:
        expected = hmac.new(b"secret", b'1780315200.{"a": 1}', hashlib.sha256).hexdigest()

        assert sign(secret="secret", at=1780315200, body=b'{"a": 1}') == f"t=1780315200,v1={expected}"


class TestCanBecome:
    @pytest.mark.parametrize("over", [Status.CAPTURED, Status.FAILED, Status.VOIDED])
    @pytest.mark.parametrize("wanted", list(Status))
    def test_leaves_what_is_over(self, over: Status, wanted: Status) -> None:
        assert not can_become(over.value, wanted)

    @pytest.mark.parametrize("wanted", [Status.REQUIRES_ACTION, Status.PENDING, Status.FAILED])
    def test_never_goes_back_from_authorised(self, wanted: Status) -> None:
        assert not can_become("authorised", wanted)


class TestCheckReturnUrl:
    @pytest.mark.parametrize(
        ("url", "origin"),
        [
            ("https://shop.example", "https://shop.example"),
            ("http://localhost:3000/a?b=c&d=%20#e", "http://localhost:3000"),
            ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
            ("http://[::1]:8000/x", "http://[::1]:8000"),
            ("https://shop.example?payment=1", "https://shop.example"),
        ],
    )
    def test_takes_addresses_of_the_web(self, url: str, origin: str) -> None:
        assert check_return_url(url) == url
        assert origin_of(url) == origin

    @pytest.mark.parametrize("url", ["https://a b/", "https://a;b/", "https://-a/", "HTTPS://a/", "https://a:port/"])
    def test_refuses_others(self, url: str) -> None:
        with pytest.raises(Malformed):
            check_return_url(url)

    def test_s34_comes_to_an_end_with_hostile_text(self) -> None:
        with pytest.raises(Malformed):
            check_return_url("https://" + "a." * 990 + "\n")
