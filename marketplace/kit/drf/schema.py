"""What drf-spectacular cannot see: every operation may answer with a problem."""

from __future__ import annotations

from typing import Any

from drf_spectacular.generators import SchemaGenerator

from marketplace.kit.drf.problems import CONTENT_TYPE

ANSWERS = {
    "400": "The request could not be read.",
    "401": "Not signed in, or the key is not valid.",
    "403": "Not yours to do, or outside the key's scopes.",
    "404": "There is nothing here, or nothing you may see.",
    "405": "This address does not take that method.",
    "406": "Answers are JSON.",
    "409": "Not possible in this state; `allowed` names what is.",
    "415": "Send JSON.",
    "422": "What was sent cannot be used; `errors` names the fields.",
    "429": "Too many requests; try again after `Retry-After` seconds.",
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence for the reader."},
        "code": {"type": "string", "description": "Stable, for programs."},
        "allowed": {"type": "array", "items": {"type": "string"}},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "problem"],
                "properties": {"field": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
    },
    "additionalProperties": True,
}


def add_problem_answers(
    result: dict[str, Any], generator: SchemaGenerator, request: object, public: object
) -> dict[str, Any]:
    """A spectacular post-processing hook (Any: an OpenAPI document): adds the problem answers."""
    del generator, request, public
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM
    for operations in result["paths"].values():
        for operation in operations.values():
            for status, meaning in ANSWERS.items():
                operation["responses"].setdefault(status, _answer(meaning))
    return result


def _answer(meaning: str) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/Problem"}
    return {"description": meaning, "content": {CONTENT_TYPE: {"schema": reference}}}
