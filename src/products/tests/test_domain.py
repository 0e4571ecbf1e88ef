from __future__ import annotations

import pytest

from products import domain
from products.selectors.facts import to_html


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
    def test_s24_leaves_nothing_that_runs(self, text: str) -> None:
        html = to_html(text)

        assert "<script" not in html
        assert "<img" not in html
        assert 'href="javascript' not in html
        assert "<a href" not in html or "onclick" not in html
