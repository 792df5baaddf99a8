"""What every format provides. A third party adds a folder and one line in the registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from marketplace.formats.problems import InvalidPayload, Problem, problems_of

P = TypeVar("P", bound=BaseModel)
A = TypeVar("A", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Show:
    """One thing of the prompt that the task page shows, at a path of the prompt's JSON."""

    path: str
    kind: Literal["markdown", "messages", "code", "diff", "pair", "steps", "table", "files"]
    label: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One input of the answer form, at a path of the answer's JSON.

    Title and help come from the schema unless given. `options` are (value, label) pairs that only
    the prompt knows; `per` is the path in the prompt of the list that the input repeats over.
    """

    path: str
    widget: str | None = None
    title: str | None = None
    help: str | None = None
    per: str | None = None
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Presentation:
    """The task page of one prompt as plain data: what it shows, then what it asks."""

    shows: tuple[Show, ...]
    asks: tuple[Ask, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """What a check may know beyond the answer; None is unknown and never held against anybody."""

    active_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Vote(Generic[A]):
    """One approved answer as it leaves the house: `expert` is the pseudonym for this client."""

    expert: str
    answer: A
    confidence: int | None = None


@dataclass(frozen=True, slots=True)
class Record(Generic[P, A]):
    """A finished task ready for export; `label` is the published one where the kind has labels."""

    task_id: str
    prompt: P
    votes: Sequence[Vote[A]]
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Format(Generic[P, A]):
    """One kind of work: shapes of prompt and answer, checks, agreement, export, presentation.

    `objective`: one right label exists, so consensus may count. `export` gives the row in the
    columns that training tools read, or None for a tie; `export_rich` always gives all votes.
    `mirror_*` swap the two sides of a pair and undo themselves; None where there are no sides.
    """

    kind: str
    version: int
    title: str
    purpose: str
    objective: bool
    Prompt: type[P]
    Answer: type[A]
    example: dict[str, JsonValue]
    labels: Callable[[P], tuple[str, ...] | None]
    check: Callable[[P, A, Context], list[Problem]]
    distance: Callable[[A, A], float | None]
    grade: Callable[[A, A], float | None]
    label_of: Callable[[A], str | None]
    export: Callable[[Record[P, A]], dict[str, JsonValue] | None]
    export_rich: Callable[[Record[P, A]], dict[str, JsonValue]]
    presentation: Callable[[P], Presentation]
    estimate_seconds: Callable[[P], int]
    mirror_prompt: Callable[[P], P] | None = None
    mirror_answer: Callable[[A], A] | None = None

    def read_prompt(self, payload: object) -> P:
        """The prompt of a payload, or InvalidPayload."""
        return _read(self.Prompt, payload, from_file=None)

    def read_row(self, payload: object) -> P:
        """Like `read_prompt`, for values of a file: lists of texts and numbers become text."""
        return _read(self.Prompt, payload, from_file=True)

    def read_answer(self, payload: object) -> A:
        """The answer of a payload, or InvalidPayload. Says nothing about its prompt."""
        return _read(self.Answer, payload, from_file=None)

    def problems(
        self, *, prompt: object, answer: object, context: Context | None = None
    ) -> list[Problem]:
        """Everything a machine can find wrong with this answer to this prompt."""
        read = self.read_prompt(prompt)
        try:
            given = self.read_answer(answer)
        except InvalidPayload as refused:
            return refused.problems
        return self.check(read, given, context or Context())


Model = TypeVar("Model", bound=BaseModel)


def _read(model: type[Model], payload: object, *, from_file: bool | None) -> Model:
    try:
        return model.model_validate(payload, context={"from_file": from_file})
    except ValidationError as error:
        raise InvalidPayload(problems_of(error)) from None
