from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from products import domain
from products.selectors import facts
from products.selectors.facts import to_html

# A sign of Markdown or HTML, a number or a dash that begins a list, what Markdown joins or breaks.
_PERHAPS_MARKUP = re.compile(r"[^\w ,.;:!?'()/%£€$+\"\u2013\u2014\u2019-]|\d\.\s|^\s*[-+]|--|  ")


class TestMakeSlug:
    @pytest.mark.parametrize(
        ("name", "slug"),
        [("Oak Lamp", "oak-lamp"), ("Höhe & Breite", "hohe-breite"), ("ﬁne  —  Ⅳ", "fine-iv"), ("a" * 300, "a" * 120)],
    )
    def test_is_the_nearest_ascii(self, name: str, slug: str) -> None:
        assert domain.make_slug(name, fallback="1") == slug

    @pytest.mark.parametrize("name", ["椅子", "☃", "prices", "01993f5e-7c11-7b3a-9c55-3d1f6a0f7e21"])
    def test_falls_back_where_nothing_usable_remains(self, name: str) -> None:
        assert domain.is_slug(domain.make_slug(name, fallback="abcd1234"))
        assert domain.make_slug(name, fallback="abcd1234").endswith("abcd1234")


class TestNumberedSlug:
    def test_takes_the_first_free_number(self) -> None:
        assert domain.numbered_slug("lamp", {"lamp", "lamp-2", "lamp-4"}) == "lamp-3"


class TestToHtml:
    def test_renders_markdown(self) -> None:
        assert to_html("A *fine* lamp") == "<p>A <em>fine</em> lamp</p>\n"

    def test_is_the_same_for_plain_text_by_the_short_way(self) -> None:
        assert to_html('Plain, with 2 words. It\'s "here"!') == '<p>Plain, with 2 words. It\'s "here"!</p>\n'

    @given(
        text=st.lists(
            st.sampled_from(
                ["a", "b1", " ", ". ", "--", "-", "+", "1.", "\u00b2. ", "\u0663. ", "\u2013", "\n", "*", '"']
            )
        ).map("".join)
    )
    def test_takes_nothing_for_plain_that_might_be_markup(self, text: str) -> None:
        assert facts._is_plain(text) == (_PERHAPS_MARKUP.search(text) is None)

    @pytest.mark.parametrize(
        "text",
        [
            "<script>alert(1)</script>",
            "[x](javascript:alert(1))",
            "<img src=x onerror=alert(1)>",
            "![x](data:text/html;base64,AAAA)",
            '<a href="https://x" onclick="y">',
        ],
    )
    def test_s24_a07_leaves_nothing_that_runs(self, text: str) -> None:
        html = to_html(text)

        assert "<script" not in html
        assert "<img" not in html
        assert 'href="javascript' not in html
        assert "<a href" not in html or "onclick" not in html
