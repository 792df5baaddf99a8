"""The answer form of a format: its JSON Schema and its asks as fields that templates draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from marketplace.formats.interface import Ask, Format

LONGEST_LINE = 120
MOST_CARDS = 7
LARGEST_SCALE = 10
CONFIDENCE_WORDS = ("Guessing", "Unsure", "Half sure", "Fairly sure", "Sure")
Schema = Mapping[str, Any]  # Any: JSON Schema


class NotDrawable(TypeError):
    """A format asks for something the pages cannot draw. Found by a test over all formats."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose; `side` colours it on a scale between two answers."""

    value: str
    label: str
    side: str = ""
    is_chosen: bool = False


CONFIDENCE = tuple(
    Option(str(number), words) for number, words in enumerate(CONFIDENCE_WORDS, start=1)
)


@dataclass(frozen=True, slots=True)
class Row:
    """A repeated group of sliders, such as one criterion: `key` is sent back as it is."""

    name: str
    key: str
    title: str
    question: str
    sliders: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One input. `path` is its name in the form and its place in the answer's JSON."""

    path: str
    kind: str
    title: str
    help: str = ""
    is_required: bool = False
    options: tuple[Option, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    step: float = 1
    least: int = 0
    most: int = 0
    type: str = "string"
    value: str = ""
    side: str = ""
    rows: tuple[Row, ...] = field(default=())
    error: str = ""

    @property
    def middle(self) -> str:
        """Where the unset thumb of a slider stands."""
        return f"{((self.minimum or 0) + (self.maximum or 0)) / 2:g}"

    @property
    def low(self) -> str:
        """The words under the left end of a scale."""
        return self.options[0].label if self.options else ""

    @property
    def high(self) -> str:
        """The words under the right end of a scale."""
        return self.options[-1].label if self.options else ""


# Any: each kind of work has its own prompt and answer.
def fields_of(
    format: Format[Any, Any],  # noqa: A002
    payload: object,
    answer: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> list[Field]:
    """The inputs for this prompt, holding what was answered so far and what is wrong with it."""
    prompt = format.read_prompt(payload)
    schema = format.Answer.model_json_schema()
    drawn = [
        _field(schema, ask, prompt.model_dump(), answer or {})
        for ask in format.presentation(prompt).asks
    ]
    return [_with_errors(each, errors or {}) for each in drawn]


def _field(schema: Schema, ask: Ask, prompt: Mapping[str, Any], answer: Mapping[str, Any]) -> Field:
    definition = _definition(schema, schema["properties"][ask.path])
    base = Field(
        path=ask.path,
        kind="",
        title=ask.title or str(definition.get("title", ask.path)),
        help=ask.help or str(definition.get("description", "")),
        is_required=ask.path in schema.get("required", ()),
        type=str(definition.get("type", "string")),
        value=_text(answer.get(ask.path)),
    )
    if ask.per:
        return _repeated(schema, definition, ask, base, prompt, answer)
    return _simple(definition, ask, base)


def _simple(definition: Schema, ask: Ask, base: Field) -> Field:
    options = ask.options or tuple((str(v), str(v)) for v in definition.get("enum", ()))
    if ask.widget == "scale" or definition.get("x-widget") == "scale":
        return replace(base, kind="scale", options=_scale(definition, ask, base.value))
    if options:
        kind = "choice" if len(options) <= MOST_CARDS else "select"
        chosen = tuple(Option(v, label, is_chosen=v == base.value) for v, label in options)
        return replace(base, kind=kind, options=chosen)
    if base.type in {"integer", "number"} and "minimum" in definition and "maximum" in definition:
        return _slider(definition, base)
    if base.type == "boolean":
        return _yes_or_no(base)
    if base.type == "string":
        return _written(definition, base)
    raise NotDrawable(f"{base.path}: {dict(definition)}")


def _scale(definition: Schema, ask: Ask, value: str) -> tuple[Option, ...]:
    points = ask.options or tuple(
        (str(n), str(n)) for n in range(definition["minimum"], definition["maximum"] + 1)
    )
    if len(points) > LARGEST_SCALE:
        raise NotDrawable(f"{ask.path}: a scale of {len(points)} points")
    is_pair = int(points[0][0]) < 0 < int(points[-1][0])
    return tuple(
        Option(point, label, _side(int(point)) if is_pair else "", point == value)
        for point, label in points
    )


def _side(point: int) -> str:
    if point == 0:
        return "mid"
    return "a" if point < 0 else "b"


def _slider(definition: Schema, base: Field) -> Field:
    return replace(
        base,
        kind="slider",
        minimum=definition["minimum"],
        maximum=definition["maximum"],
        step=definition.get("multipleOf", 1),
    )


def _yes_or_no(base: Field) -> Field:
    # A required yes or no becomes two radios, so that silence is not "no".
    if not base.is_required:
        return replace(base, kind="checkbox")
    options = tuple(
        Option(value, label, is_chosen=value == base.value)
        for value, label in (("true", "Yes"), ("false", "No"))
    )
    return replace(base, kind="choice", options=options)


def _written(definition: Schema, base: Field) -> Field:
    most = int(definition.get("maxLength", 0))
    is_code = definition.get("x-widget") == "code"
    kind = "code" if is_code else "line" if 0 < most <= LONGEST_LINE else "text"
    return replace(base, kind=kind, least=int(definition.get("minLength", 0)), most=most)


def _repeated(
    schema: Schema,
    definition: Schema,
    ask: Ask,
    base: Field,
    prompt: Mapping[str, Any],
    answer: Mapping[str, Any],
) -> Field:
    members = _definition(schema, definition["items"])["properties"]
    key_name = next(name for name, member in members.items() if member["type"] == "string")
    given = {str(row.get(key_name)): row for row in answer.get(ask.path, ())}
    rows = tuple(
        _row(f"{ask.path}.{place}", key_name, members, item, given.get(item["key"], {}))
        for place, item in enumerate(prompt[ask.per or ""])
    )
    return replace(base, kind="rows", rows=rows)


def _row(
    name: str, key_name: str, members: Schema, item: Mapping[str, Any], given: Mapping[str, Any]
) -> Row:
    sliders = tuple(
        _slider(
            member,
            Field(
                path=f"{name}.{member_name}",
                kind="slider",
                title=f"{item['title']}, {_inside(str(member.get('title', member_name)))}",
                type="integer",
                value=_text(given.get(member_name)),
                side=member_name.upper() if member_name in {"a", "b"} else "",
            ),
        )
        for member_name, member in members.items()
        if member_name != key_name
    )
    return Row(f"{name}.{key_name}", item["key"], item["title"], item["question"], sliders)


def _inside(title: str) -> str:
    """A title inside a sentence: `Answer A` becomes `answer A`."""
    return title[:1].lower() + title[1:]


def _definition(schema: Schema, node: Schema) -> Schema:
    if "$ref" in node:
        found: Schema = schema["$defs"][str(node["$ref"]).rsplit("/", 1)[-1]]
        return {**found, **{key: value for key, value in node.items() if key != "$ref"}}
    if "anyOf" in node:
        real = next(each for each in node["anyOf"] if each.get("type") != "null")
        outer = {key: value for key, value in node.items() if key != "anyOf"}
        return {**_definition(schema, real), **outer}
    return node


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _with_errors(drawn: Field, errors: Mapping[str, str]) -> Field:
    own = [text for path, text in errors.items() if path.split(".", 1)[0] == drawn.path]
    return replace(drawn, error=" · ".join(dict.fromkeys(own))) if own else drawn
