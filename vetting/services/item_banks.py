"""Bring questions with their keys into the bank of a test."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from string import ascii_uppercase

from django.db import transaction
from django.utils.text import slugify
from pydantic import JsonValue
from pydantic_core import to_json

from marketplace.events.services.recording import record
from marketplace.formats.problems import RowProblem
from marketplace.formats.rows import Row
from marketplace.kit.errors import InvalidInput
from marketplace.people.models import User
from vetting.models import Assessment, Item

BANDS = {"easy": -1, "middle": 0, "medium": 0, "hard": 1, "-1": -1, "0": 0, "1": 1}
MOST_OPTIONS = 8
_LISTED = 20


class BankRefused(InvalidInput):
    """Rows of the bank cannot be used; nothing was imported. `data["errors"]` names the rows."""

    code = "bank_refused"


@dataclass(frozen=True, slots=True)
class Question:
    """One row of a bank, read."""

    ref: str
    prompt: str
    options: tuple[str, ...]
    key: tuple[int, ...]
    band: int
    topic: str

    @property
    def content_hash(self) -> str:
        """The same for the same words, options and key, whatever they are called."""
        content = to_json([self.prompt, self.options, self.key])
        return hashlib.sha256(content).hexdigest()


@transaction.atomic
def import_items(
    *, assessment: Assessment, rows: Iterable[Row | RowProblem], by: User, at: datetime
) -> list[Item]:
    """Import a bank, all of it or nothing; a question that changed becomes its next version.

    Fields of a row: `prompt` (or `question`), `options` as a list or in columns A, B, C …, `key`
    as letters (`B`, `A,C`) or the right option itself, and if known `ref`, `band` (easy, middle,
    hard), `topic`. Raises BankRefused with every bad row.
    """
    Assessment.objects.select_for_update().get(pk=assessment.pk)
    questions = _read(rows)
    in_use = {
        item.ref: item
        for item in assessment.items.filter(state__in=["draft", "pilot", "live"]).order_by("id")
    }
    held = {item.content_hash for item in in_use.values()}
    fresh = [question for question in questions if question.content_hash not in held]
    replaced = [in_use[question.ref].pk for question in fresh if question.ref in in_use]
    assessment.items.filter(pk__in=replaced).update(state=Item.State.RETIRED)
    items = Item.objects.bulk_create(
        _item(assessment, question, in_use.get(question.ref), by, at) for question in fresh
    )
    record(
        "item_bank.imported",
        at=at,
        object_kind="assessment",
        object_id=assessment.pk,
        actor=by.pk,
        data={"imported": len(items), "replaced": len(replaced)},
    )
    return items


def _item(
    assessment: Assessment, question: Question, former: Item | None, by: User, at: datetime
) -> Item:
    return Item(
        assessment=assessment,
        ref=question.ref,
        version=former.version + 1 if former else 1,
        prompt=question.prompt,
        options=list(question.options),
        key=list(question.key),
        band=question.band,
        topic=question.topic,
        content_hash=question.content_hash,
        imported_by=by,
        imported_at=at,
    )


def _read(rows: Iterable[Row | RowProblem]) -> list[Question]:
    questions: list[Question] = []
    problems: list[RowProblem] = []
    seen: dict[str, int] = {}
    for row in rows:
        read = row if isinstance(row, RowProblem) else _read_once(row, seen)
        if isinstance(read, Question):
            questions.append(read)
        else:
            problems.append(read)
    if problems or not questions:
        raise _refusal(problems)
    return questions


def _read_once(row: Row, seen: dict[str, int]) -> Question | RowProblem:
    question = read_question(row)
    if isinstance(question, RowProblem):
        return question
    for mark in (f"ref {question.ref}", question.content_hash):
        if seen.setdefault(mark, row.number) != row.number:
            return RowProblem(row.number, "prompt", f"repeats row {seen[mark]}")
    return question


def _refusal(problems: list[RowProblem]) -> BankRefused:
    if not problems:
        return BankRefused("The bank has no questions.", errors=[])
    first = problems[0]
    errors = [
        {"row": each.row, "field": each.field, "problem": each.problem}
        for each in problems[:_LISTED]
    ]
    message = f"{len(problems)} rows cannot be used; row {first.row}: {first.field} {first.problem}"
    return BankRefused(message, errors=errors, count=len(problems))


def read_question(row: Row) -> Question | RowProblem:
    """The question of a row, or what is wrong with it."""
    prompt = row.data.get("prompt") or row.data.get("question")
    if not isinstance(prompt, str) or not prompt.strip():
        return RowProblem(row.number, "prompt", "is missing")
    options = _options(row.data)
    if not 2 <= len(options) <= MOST_OPTIONS or len(set(options)) < len(options):
        return RowProblem(row.number, "options", f"must be 2 to {MOST_OPTIONS} different texts")
    key = _key(row.data.get("key", row.data.get("answer")), options)
    if not key:
        return RowProblem(row.number, "key", "names no option; write its letter or its text")
    band = BANDS.get(str(row.data.get("band", "middle")).strip().lower())
    if band is None:
        return RowProblem(row.number, "band", "is one of easy, middle, hard")
    topic = slugify(str(row.data.get("topic") or "general"))[:60] or "general"
    digest = hashlib.sha256(prompt.encode()).hexdigest()[:12]
    ref = str(row.data.get("ref") or row.key or digest)[:80]
    return Question(ref, prompt.strip(), options, key, band, topic)


def _options(data: dict[str, JsonValue]) -> tuple[str, ...]:
    listed = data.get("options")
    if not isinstance(listed, list):
        listed = [data[letter] for letter in ascii_uppercase[:MOST_OPTIONS] if data.get(letter)]
    return tuple(option.strip() for option in listed if isinstance(option, str) and option.strip())


def _key(given: JsonValue, options: tuple[str, ...]) -> tuple[int, ...]:
    """Places of the right options; empty when any part of the key names none."""
    if isinstance(given, str) and given.strip() in options:
        return (options.index(given.strip()),)
    parts = given if isinstance(given, list) else str(given or "").replace(";", ",").split(",")
    letters = ascii_uppercase[: len(options)]
    names = [str(part).strip() for part in parts]
    if not names or any(len(name) != 1 or name.upper() not in letters for name in names):
        return ()
    return tuple(sorted({letters.index(name.upper()) for name in names}))
