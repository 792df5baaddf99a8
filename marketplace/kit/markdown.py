# ruff: noqa: ARG001  markdown-it calls every rule with five arguments
"""Markdown, code and LaTeX to safe HTML, on the server; the browser runs no script for it.

Text comes from people we do not trust. What is over a limit is shown as its source, never cut.
"""

from __future__ import annotations

import functools
import html
import io
import re
import time
from collections.abc import Sequence
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from math_core import LatexError, LatexToMathML
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


MAX_TEXT = 50_000
MAX_CACHED = 16_000
MAX_NESTING = 20

# math-core recurses in C and overflows the stack of the thread, which kills the process:
# at about 5,200 levels with 8 MiB, 160 with 256 KiB, 76 with 128 KiB (musl's default).
MAX_FORMULA = 4_000
MAX_FORMULA_DEPTH = 60
MAX_FORMULA_COMMANDS = 400

# Pygments' regular expressions can be quadratic or worse: 20,000 characters of "\n " took the
# Python lexer 5 s, 60,000 of "s{" the Perl one 50 s. Hence a deadline between tokens; the three
# lexers that spend more than 1 s in a single token (ini, matlab, ocaml) are not listed.
MAX_CODE = 20_000
HIGHLIGHT_SECONDS = 0.1
LANGUAGES = _words(
    "bash c cpp csharp css diff dockerfile fortran go haskell html java javascript json julia"
    " kotlin latex lua perl php pycon python r ruby rust scala sql swift toml typescript xml"
    " yaml"
)

MATHML = _words(
    "math mrow mi mo mn mtext mspace ms mfrac msqrt mroot mstyle merror mpadded mphantom msub"
    " msup msubsup munder mover munderover mmultiscripts mprescripts mtable mtr mtd"
    " menclose"
)
TAGS = MATHML | _words(
    "a p br hr strong em s code pre blockquote ul ol li h1 h2 h3 h4 h5 h6 table thead tbody tr"
    " th td span div"
)
MATHML_ATTRIBUTES = _words(
    "mathvariant stretchy fence form lspace rspace minsize maxsize movablelimits accent"
    " accentunder linethickness columnalign rowspacing columnspacing displaystyle scriptlevel"
    " width height depth separator largeop symmetric notation mathsize mathcolor"
)
STYLED = frozenset({"mtd", "mtr", "mtable", "mrow", "mpadded", "menclose", "mstyle", "th", "td"})
ATTRIBUTES = {
    "*": {"class"},
    "a": {"href", "title"},
    "ol": {"start"},
    "pre": {"tabindex", "role", "aria-label"},
    "div": {"tabindex", "role", "aria-label"},
    "span": {"tabindex", "role", "aria-label"},
    "math": {"display", "xmlns"},
    **{tag: set(MATHML_ATTRIBUTES) for tag in MATHML - {"math"}},
}
for _tag in STYLED:
    ATTRIBUTES[_tag] = ATTRIBUTES.get(_tag, set()) | {"style"}
STYLE_PROPERTIES = frozenset(
    {"text-align", "border", "border-collapse", "border-width", "padding", "color"}
    | {f"border-{side}" for side in ("left", "right", "top", "bottom")}
    | {f"border-{side}-style" for side in ("left", "right", "top", "bottom")}
    | {f"padding-{side}" for side in ("left", "right", "top", "bottom")}
)

# Direction marks and zero-width characters can make code read differently from what runs.
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")

_latex = LatexToMathML()
_formatter = HtmlFormatter(nowrap=True)


def render_markdown(text: str) -> SafeString:
    """Safe HTML of a prompt, an answer or a guideline."""
    if len(text) > MAX_TEXT:
        return _as_source(text)
    return _render_cached(text) if len(text) <= MAX_CACHED else _render(text)


def _render(text: str) -> SafeString:
    markdown = _markdown()
    env: dict[str, Any] = {"highlight_until": time.perf_counter() + 3 * HIGHLIGHT_SECONDS}
    tokens = markdown.parse(text, env)
    # markdown-it drops, without a word, what is nested deeper than its limit.
    if any(token.level >= MAX_NESTING - 1 for token in tokens):
        return _as_source(text)
    markup = _clean(markdown.renderer.render(tokens, markdown.options, env))
    return mark_safe(markup)  # noqa: S308  nh3 let only the allow-list through


_render_cached = functools.lru_cache(maxsize=256)(_render)


def _clean(markup: str) -> str:
    return nh3.clean(
        markup,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer ugc",
        filter_style_properties=set(STYLE_PROPERTIES),
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def _as_source(text: str) -> SafeString:
    markup = _scrolling_code(_visible(html.escape(text)), name="Source")
    return mark_safe(markup)  # noqa: S308  escaped on the line above


@functools.cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_NESTING})
    # Pictures are attachments that we serve: a linked one would tell its host who our experts are.
    markdown.enable(["table", "strikethrough"]).disable("image")
    markdown.use(dollarmath_plugin, double_inline=True, allow_digits=False)
    for name, rule in {
        "fence": _code,
        "code_block": _code,
        "math_inline": _inline_formula,
        "math_inline_double": _block_formula,
        "math_block": _block_formula,
        "table_open": _table_open,
        "table_close": _table_close,
    }.items():
        markdown.add_render_rule(name, rule)
    return markdown


def _table_open(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    return '<div class="table-scroll" tabindex="0" role="group" aria-label="Table"><table>'


def _table_close(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    return "</table></div>"


def _inline_formula(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    return f'<span class="math">{_formula(tokens[index].content, is_block=False)}</span>'


def _block_formula(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    # A span even for a block: "$$" inside a paragraph may not close the paragraph.
    formula = _formula(tokens[index].content, is_block=True)
    return (
        f'<span class="math block" tabindex="0" role="group" aria-label="Formula">{formula}</span>'
    )


def _formula(latex: str, *, is_block: bool) -> str:
    if _is_safe_to_parse(latex):
        try:
            source = re.sub(r"\\(begin|end)\{split\}", r"\\\1{aligned}", latex.strip())
            return _latex.convert_with_local_state(source, displaystyle=is_block)
        except LatexError:
            pass
    return f'<code class="math-source">{html.escape(latex)}</code>'


def _is_safe_to_parse(latex: str) -> bool:
    depth = deepest = 0
    for character in latex:
        depth += (character == "{") - (character == "}")
        deepest = max(deepest, depth)
    return (
        len(latex) <= MAX_FORMULA
        and deepest <= MAX_FORMULA_DEPTH
        and latex.count("\\left") <= MAX_FORMULA_DEPTH
        and latex.count("\\begin") <= MAX_FORMULA_DEPTH
        and latex.count("\\") <= MAX_FORMULA_COMMANDS
    )


def _code(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    language = token.info.split(maxsplit=1)[0].lower() if token.info.strip() else ""
    markup = _highlight(token.content, language, until=env["highlight_until"]) or html.escape(
        token.content
    )
    return _scrolling_code(_visible(markup), name="Code")


def _scrolling_code(markup: str, *, name: str) -> str:
    # What scrolls sideways must be reachable by keyboard, and a group, not one more landmark.
    return (
        f'<pre class="code" tabindex="0" role="group" aria-label="{name}">'
        f"<code>{markup}</code></pre>\n"
    )


def _highlight(code: str, language: str, *, until: float) -> str | None:
    if language not in LANGUAGES or len(code) > MAX_CODE:
        return None
    until = min(until, time.perf_counter() + HIGHLIGHT_SECONDS)
    tokens = []
    for token in get_lexer_by_name(language, stripnl=False).get_tokens(code):
        tokens.append(token)
        if time.perf_counter() > until:
            return None
    out = io.StringIO()
    _formatter.format(iter(tokens), out)
    return out.getvalue()


def _visible(markup: str) -> str:
    return INVISIBLE.sub(
        lambda found: f'<span class="invisible">U+{ord(found[0]):04X}</span>', markup
    )
