from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import crypto

OLD, NEW = ("k1", b"1" * 32), ("k2", b"2" * 32)


class TestSeal:
    @given(st.text())
    def test_is_undone_by_open_sealed(self, plain: str) -> None:
        try:
            plain.encode()
        except UnicodeEncodeError:
            return

        assert crypto.open_sealed(crypto.seal(plain)) == plain

    def test_hides_the_text_and_never_repeats_itself(self) -> None:
        first, second = crypto.seal("1 High Street"), crypto.seal("1 High Street")

        assert first != second
        assert b"High" not in base64.b64decode(first.partition(":")[2])


class TestRotation:
    def test_opens_old_texts_and_seals_new_ones_with_the_first_key(self, settings: Any) -> None:
        settings.FIELD_KEYS = [OLD]
        old = crypto.seal("x")
        settings.FIELD_KEYS = [NEW, OLD]
        new = crypto.seal("x")

        assert crypto.open_sealed(old) == crypto.open_sealed(new) == "x"
        assert not crypto.is_current(old)
        assert crypto.is_current(new)

    def test_refuses_a_key_that_was_retired(self, settings: Any) -> None:
        settings.FIELD_KEYS = [OLD]
        old = crypto.seal("x")
        settings.FIELD_KEYS = [NEW]

        with pytest.raises(crypto.CannotOpen, match="not in FIELD_KEYS"):
            crypto.open_sealed(old)


class TestOpenSealed:
    def test_refuses_every_altered_byte(self) -> None:
        name, _, body = crypto.seal("secret").partition(":")
        packed = base64.b64decode(body)

        for position in range(len(packed)):
            altered = bytearray(packed)
            altered[position] ^= 1
            with pytest.raises(crypto.CannotOpen):
                crypto.open_sealed(f"{name}:{base64.b64encode(altered).decode()}")

    @pytest.mark.parametrize("text", ["", "t1", "t1:", "t1:!!", "t1:AAAA", "nobody:AAAA", "t1:" + "A" * 39])
    def test_refuses_what_was_never_sealed(self, text: str) -> None:
        with pytest.raises(crypto.CannotOpen):
            crypto.open_sealed(text)

    def test_refuses_a_text_under_another_keys_name(self, settings: Any) -> None:
        settings.FIELD_KEYS = [OLD, ("k3", OLD[1])]
        renamed = crypto.seal("x").replace("k1:", "k3:")

        with pytest.raises(crypto.CannotOpen):
            crypto.open_sealed(renamed)
