"""Text from people we do not trust: nothing runs, nothing is cut, nothing is slow."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from marketplace.kit.markdown import render_markdown

DANGEROUS = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](https://tracker.example/p.png)",
    '<img src=x onerror="alert(1)">',
    "$\\href{javascript:alert(1)}{x}$",
    "$\\text{<script>alert(1)</script>}$",
]
HOSTILE = {
    "brackets": "[" * 50_000,
    "table": "|a" * 3_000 + "|\n" + "|-" * 3_000 + "|\n" + "|b\n" * 9_000,
    "perl": "```perl\n" + "s{" * 9_000 + "\n```",
    "blank python": "```python\n" + "\n " * 9_000 + "\n```",
    "deep braces": "$" + "{" * 20_000 + "}" * 20_000 + "$",
    "nested roots": "$" + "\\sqrt" * 790 + " x$",
}


class Attributes(HTMLParser):
    """What a browser would see, apart from text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update((name, value or "") for name, value in attrs)


@pytest.mark.parametrize("text", DANGEROUS)
def test_nothing_in_the_text_can_run_or_call_out(text: str) -> None:
    seen = Attributes(render_markdown(text))

    assert seen.tags.isdisjoint({"script", "img", "iframe", "object", "style", "link", "form"})
    assert [name for name, _ in seen.attributes if name.startswith("on") or name == "src"] == []
    assert [value for _, value in seen.attributes if "javascript:" in value] == []


@pytest.mark.timeout(60)  # a renderer that backtracks would not end at all
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_rendered_in_the_end(text: str) -> None:
    shown = render_markdown(text)

    assert shown


def test_deep_nesting_is_shown_and_not_cut() -> None:
    assert "the end" in render_markdown("> " * 60 + "the end")


def test_formula_too_deep_to_parse_shows_its_source() -> None:
    assert "<math" not in render_markdown("$" + "{" * 61 + "x" + "}" * 61 + "$")
    assert "<math" not in render_markdown("$" + "\\sqrt" * 401 + " x$")


def test_unknown_formula_shows_its_source() -> None:
    assert '<code class="math-source">\\ce{H2O}</code>' in render_markdown("$\\ce{H2O}$")


def test_direction_marks_in_code_are_visible() -> None:
    assert "U+202E" in render_markdown("```python\nx = '\u202e'\n```")
