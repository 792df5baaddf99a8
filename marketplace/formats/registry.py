"""All kinds of work this instance knows."""

from __future__ import annotations

from typing import Any

from marketplace.formats import classification, preference
from marketplace.formats.interface import Format
from marketplace.kit.errors import NotFound

# Any: each kind has its own prompt and answer; whoever looks one up by name cannot know them.
FORMATS: dict[str, Format[Any, Any]] = {
    each.kind: each for each in (preference.FORMAT, classification.FORMAT)
}


class UnknownFormat(NotFound):
    """No format has that name; the message lists those that exist."""

    code = "unknown_format"


def get(kind: str) -> Format[Any, Any]:  # Any: as above
    """The format of that name, or UnknownFormat."""
    try:
        return FORMATS[kind]
    except KeyError:
        raise UnknownFormat(f"There is no format {kind!r}. Known: {', '.join(FORMATS)}.") from None
