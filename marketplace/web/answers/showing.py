"""What a prompt shows, as values that templates draw: task page, review, styleguide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString
from pydantic import BaseModel

from marketplace.formats.interface import Format, Show
from marketplace.kit.markdown import render_markdown

SIDES = ("a", "b")


@dataclass(frozen=True, slots=True)
class Text:
    """Reading text, with the exact characters behind it; `side` is A, B or empty."""

    side: str
    label: str
    html: SafeString
    source: str
    words: int


@dataclass(frozen=True, slots=True)
class Part:
    """One thing of the prompt: `kind` picks the template, `texts` are one or a pair."""

    kind: str
    label: str
    texts: tuple[Text, ...]


# Any: each kind of work has its own prompt and answer.
def parts_of(format: Format[Any, Any], payload: object) -> list[Part]:  # noqa: A002
    """Everything the page shows of a prompt, in order. Raises InvalidPayload."""
    prompt = format.read_prompt(payload)
    return [_part(show, prompt) for show in format.presentation(prompt).shows]


def _part(show: Show, prompt: BaseModel) -> Part:
    values = prompt.model_dump()
    if show.kind == "pair":
        texts = tuple(
            _text(values, f"{show.path}_{side}", side.upper(), f"Answer {side.upper()}")
            for side in SIDES
        )
    elif show.kind == "markdown":
        texts = (_text(values, show.path, "", show.label),)
    else:
        raise LookupError(f"The task page cannot show {show.kind!r} yet")
    return Part(kind=show.kind, label=show.label, texts=texts)


def _text(values: Mapping[str, Any], path: str, side: str, label: str) -> Text:
    source = str(values[path])
    return Text(
        side=side,
        label=label,
        html=render_markdown(source),
        source=source,
        words=len(source.split()),
    )
