"""Field types that all formats share."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from marketplace.formats.problems import text_fault

LONGEST_TEXT = 200_000
WORDS_A_SECOND = 4  # 240 words a minute, a careful reader


class Shape(BaseModel):
    """A prompt or an answer: fixed once read, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def words(*texts: str) -> int:
    """How many words the texts have together."""
    return sum(len(text.split()) for text in texts)


def join_texts(parts: list[object]) -> str:
    """The non-empty parts as one text with a blank line between them."""
    return "\n\n".join(text for part in parts if (text := as_text(part)).strip())


def as_text(value: object) -> str:
    """A text or a number of a file as text; booleans are written as JSON writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def is_from_file(info: ValidationInfo) -> bool:
    """Whether the payload came from a file, where a little bending is kind."""
    return bool(info.context and info.context.get("from_file"))


def _from_file(value: object, info: ValidationInfo) -> object:
    if not is_from_file(info):
        return value
    if isinstance(value, list) and all(isinstance(part, (str, int, float)) for part in value):
        return join_texts(value)
    return as_text(value) if isinstance(value, (bool, int, float)) else value


def _storable(text: str) -> str:
    fault = text_fault(text)
    if fault:
        raise ValueError(fault)
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text


Line = Annotated[str, AfterValidator(_storable)]
# A model that answered nothing is a response too; a prompt must say something.
Response = Annotated[
    str,
    Field(max_length=LONGEST_TEXT),
    BeforeValidator(_from_file),
    AfterValidator(_storable),
]
Text = Annotated[Response, Field(min_length=1), AfterValidator(_not_blank)]
