"""A process' memory holds what was asked for last, and no more than it may."""

from __future__ import annotations

from core.remembering import _OVERHEAD, Memory


class TestMemory:
    def test_gives_back_what_it_keeps(self) -> None:
        memory = Memory[str](10_000)
        memory.keep("a", "first", 100)
        memory.keep("a", "second", 100)

        assert (memory.get("a"), memory.get("b")) == ("second", None)
        memory.forget()
        assert memory.get("a") is None

    def test_forgets_what_was_not_asked_for_longest(self) -> None:
        memory = Memory[int](3 * (_OVERHEAD + 100))
        for number, key in enumerate("abc"):
            memory.keep(key, number, 100)
        memory.get("a")

        memory.keep("d", 3, 100)

        assert [memory.get(key) for key in "abcd"] == [0, None, 2, 3]

    def test_makes_room_for_what_is_large(self) -> None:
        memory = Memory[int](3 * (_OVERHEAD + 100))
        for number, key in enumerate("abc"):
            memory.keep(key, number, 100)

        memory.keep("c", 9, 100 + _OVERHEAD + 100)

        assert [memory.get(key) for key in "abc"] == [None, 1, 9]

    def test_keeps_nothing_that_is_larger_than_itself(self) -> None:
        memory = Memory[int](_OVERHEAD)
        memory.keep("a", 1, 0)

        memory.keep("a", 2, 1)

        assert memory.get("a") is None
        nothing = Memory[int](0)
        nothing.keep("a", 1, 0)
        assert nothing.get("a") is None
