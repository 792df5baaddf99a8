"""What is wrong with an answer, at the field of the form that holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marketplace.formats.problems import Problem
from marketplace.web.answers.fields import Field


def located(
    fields: Iterable[Field],
    answer: Mapping[str, Any],  # Any: an answer of whatever format
    problems: Iterable[Problem],
) -> list[dict[str, str]]:
    """Each problem with the id of its field and a sentence that names the field."""
    by_path = {each.path: each for each in fields}
    return [_located(by_path, answer, problem) for problem in problems]


def _located(
    by_path: Mapping[str, Field], answer: Mapping[str, Any], problem: Problem
) -> dict[str, str]:
    top, _, rest = problem.path.partition(".")
    drawn = by_path.get(top)
    if drawn is None:
        return {"field": "fields", "message": f"This answer {problem.message}."}
    title = drawn.title.rstrip("?")
    target = drawn.path
    place, _, member = rest.partition(".")
    if drawn.rows and place.isdecimal() and member:
        # Only touched rows are in the answer, so its places are not those of the form.
        given = answer[top][int(place)]
        row = next((each for each in drawn.rows if each.key in given.values()), drawn.rows[0])
        title = row.title
        target = f"{row.name.rsplit('.', 1)[0]}.{member}"
    return {"field": target, "message": f"{title} {problem.message}."}
