"""How many steps a backtracking search takes, counted instead of timed: each place of a text that an item is tried at.

It walks the tree that Python's own parser makes of a pattern, without the short cuts of Python's engine: what that does
is no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d", sre.CATEGORY_NOT_DIGIT: r"\D", sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S", sre.CATEGORY_WORD: r"\w", sre.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
_REPEATS = {sre.MAX_REPEAT, sre.MIN_REPEAT, getattr(sre, "POSSESSIVE_REPEAT", None)}
_OF_ONE = {sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN}
_SAMPLES = "a0A -._/=*<\n\t[(&é@:,;#+%'\"\0~!?xTZ"


class TooManySteps(Exception):
    """The budget is spent."""


class Steps:
    """One pattern, and the steps that searches with it took."""

    def __init__(self, pattern: str, flags: int = 0, *, budget: int) -> None:
        self.tree = parser.parse(pattern, flags)
        self.flags = self.tree.state.flags
        self.budget = budget
        self._known: dict[tuple[int, str], bool] = {}
        self.taken = 0

    def search(self, text: str) -> int:
        """Try the pattern at each place of the text until it matches, and return the steps.

        :raises TooManySteps: they are more than the budget
        """
        self.taken = 0
        for start in range(len(text) + 1):
            if any(True for _ in self._sequence(list(self.tree), 0, text, start)):
                break
        return self.taken

    def _sequence(self, items: list[Any], at: int, text: str, place: int) -> Iterator[int]:
        if at == len(items):
            yield place
            return
        for end in self._item(*items[at], text, place):
            yield from self._sequence(items, at + 1, text, end)

    def _item(self, kind: Any, said: Any, text: str, place: int) -> Iterator[int]:
        self.taken += 1
        if self.taken > self.budget:
            raise TooManySteps
        if kind in _OF_ONE:
            if place < len(text) and self.fits(kind, said, text[place]):
                yield place + 1
        elif kind in _REPEATS:
            yield from self._repeat(kind, said, text, place)
        elif kind is sre.SUBPATTERN:
            yield from self._sequence(list(said[-1]), 0, text, place)
        elif kind is sre.BRANCH:
            for branch in said[1]:
                yield from self._sequence(list(branch), 0, text, place)
        else:
            yield from self._look(kind, said, text, place)

    def _look(self, kind: Any, said: Any, text: str, place: int) -> Iterator[int]:
        """Try what takes nothing of the text, or nothing of which this knows more than that it may be."""
        if kind is sre.AT:
            fits = self._is_at(said, text, place)
        elif kind in (sre.ASSERT, sre.ASSERT_NOT) and said[0] >= 0:
            found = any(True for _ in self._sequence(list(said[1]), 0, text, place))
            fits = found is (kind is sre.ASSERT)
        elif kind is getattr(sre, "ATOMIC_GROUP", None):
            yield from self._first(self._sequence(list(said), 0, text, place))
            return
        else:
            fits = True
        if fits:
            yield place

    def _repeat(self, kind: Any, said: Any, text: str, place: int) -> Iterator[int]:
        least, most, body = said[0], said[1], list(said[2])
        if len(body) == 1 and body[0][0] in _OF_ONE:
            ends = self._run(body[0], least, most, text, place)
            ordered = ends if kind is sre.MIN_REPEAT else reversed(ends)
            found: Iterator[int] = iter(list(ordered))
        else:
            found = self._rounds(body, least, most, text, place, 0)
        yield from self._first(found) if kind not in (sre.MAX_REPEAT, sre.MIN_REPEAT) else found

    def _run(self, item: Any, least: int, most: int, text: str, place: int) -> list[int]:
        end = place
        while end < len(text) and end - place < most and self.fits(*item, text[end]):
            end += 1
            self.taken += 1
        return list(range(place + least, end + 1))

    def _rounds(self, body: list[Any], least: int, most: int, text: str, place: int, done: int) -> Iterator[int]:
        if done < most:
            for end in self._sequence(body, 0, text, place):
                if end > place or done < least:
                    yield from self._rounds(body, least, most, text, end, done + 1)
        if done >= least:
            yield place

    @staticmethod
    def _first(found: Iterator[int]) -> Iterator[int]:
        for end in found:
            yield end
            return

    def fits(self, kind: Any, said: Any, sign: str) -> bool:
        """Tell whether an item of one character takes it."""
        key = (id(said), sign)
        if kind is not sre.IN:
            return self._fits(kind, said, sign)
        if key not in self._known:
            self._known[key] = self._fits(kind, said, sign)
        return self._known[key]

    def _fits(self, kind: Any, said: Any, sign: str) -> bool:
        if kind is sre.ANY:
            return sign != "\n" or bool(self.flags & re.DOTALL)
        forms = {sign, sign.lower(), sign.upper()} if self.flags & re.IGNORECASE else {sign}
        codes = {ord(form) for form in forms if len(form) == 1}
        if kind is sre.LITERAL:
            return said in codes
        if kind is sre.NOT_LITERAL:
            return said not in codes
        rules = [rule for rule in said if rule[0] is not sre.NEGATE]
        return any(self._covers(*rule, codes, sign) for rule in rules) is (len(rules) == len(said))

    def _covers(self, kind: Any, said: Any, codes: set[int], sign: str) -> bool:
        if kind is sre.LITERAL:
            return said in codes
        if kind is sre.RANGE:
            return any(said[0] <= code <= said[1] for code in codes)
        return re.match(_CATEGORIES[said], sign, self.flags & re.ASCII) is not None

    def _is_at(self, where: Any, text: str, place: int) -> bool:
        if where in (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING):
            return place == 0 or (
                where is sre.AT_BEGINNING and bool(self.flags & re.MULTILINE) and text[place - 1] == "\n"
            )
        if where is sre.AT_END_STRING:
            return place == len(text)
        if where is sre.AT_END:
            return place == len(text) or (
                text[place] == "\n" and (place == len(text) - 1 or bool(self.flags & re.MULTILINE))
            )
        before = place > 0 and re.match(r"\w", text[place - 1]) is not None
        after = place < len(text) and re.match(r"\w", text[place]) is not None
        return (before != after) is (where is sre.AT_BOUNDARY)

    def attacks(self) -> Iterator[tuple[str, str]]:
        """Return what comes first, and what is repeated behind it, so that the pattern is likely to try in vain."""
        tree = list(self.tree)
        turns = [at for at, (kind, _) in enumerate(tree) if kind not in _OF_ONE and kind is not sre.AT]
        starts = {"", *(self.least(tree[:at]) for at in turns[:4])}
        signs = sorted({sign for sign in _SAMPLES if any(self.fits(*item, sign) for item in self._ones(tree))})
        kinds = {tuple(self.fits(*item, sign) for item in self._ones(tree)): sign for sign in signs}
        pumps = [*kinds.values(), *(self.least([item]) for item in tree)]
        few = list(kinds.values())[:4]
        pumps += [self.least(tree), *(one + other for one in few for other in few if one != other)]
        for start in sorted(starts):
            for pump in sorted({pump for pump in pumps if pump}):
                yield start, pump

    def _ones(self, items: list[Any]) -> list[Any]:
        found: list[Any] = []
        for kind, said in items:
            if kind in _OF_ONE:
                found.append((kind, said))
            elif kind in _REPEATS:
                found += self._ones(list(said[2]))
            elif kind is sre.SUBPATTERN:
                found += self._ones(list(said[-1]))
            elif kind is sre.BRANCH:
                found += [one for branch in said[1] for one in self._ones(list(branch))]
            elif kind in (sre.ASSERT, sre.ASSERT_NOT):
                found += self._ones(list(said[1]))
        return found

    def least(self, items: list[Any]) -> str:
        """Return about the shortest text that the items take; of a repetition, one round."""
        text = ""
        for kind, said in items:
            if kind in _OF_ONE:
                text += next((sign for sign in _SAMPLES if self.fits(kind, said, sign)), self._any_of(kind, said))
            elif kind in _REPEATS:
                text += self.least(list(said[2])) * max(1, min(int(said[0]), 40))
            elif kind is sre.SUBPATTERN:
                text += self.least(list(said[-1]))
            elif kind is sre.BRANCH:
                text += self.least(list(said[1][0]))
        return text

    def _any_of(self, kind: Any, said: Any) -> str:
        if kind is sre.LITERAL:
            return chr(said)
        return next((chr(code) for code in range(0x250) if self.fits(kind, said, chr(code))), "")
