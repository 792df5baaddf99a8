"""The API's schema tells what the machinery adds to every operation."""

from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.kit import api


@pytest.fixture
def schema() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator(patterns=api.urlpatterns).get_schema(public=True)
    return found


def test_every_operation_tells_the_problems_it_may_answer(schema: dict[str, Any]) -> None:
    for path in schema["paths"].values():
        for operation in path.values():
            assert {"400", "401", "403", "404", "405", "406", "409", "415", "422", "429"} <= set(
                operation["responses"]
            )
    problem = schema["paths"]["/api/v1/anyone/"]["get"]["responses"]["404"]
    assert list(problem["content"]) == ["application/problem+json"]
    assert "code" in schema["components"]["schemas"]["Problem"]["required"]


@pytest.mark.parametrize(("path", "required"), [("notes", False), ("payments", True)])
def test_repeatable_posts_tell_their_header(
    schema: dict[str, Any], path: str, required: bool
) -> None:
    parameters = schema["paths"][f"/api/v1/{path}/"]["post"]["parameters"]

    (header,) = [found for found in parameters if found["in"] == "header"]

    assert (header["name"], header.get("required", False)) == ("Idempotency-Key", required)


def test_lists_tell_their_cursor(schema: dict[str, Any]) -> None:
    listed = schema["paths"]["/api/v1/people/"]["get"]
    page = listed["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]

    assert [found["name"] for found in listed["parameters"]] == ["cursor", "limit"]
    assert schema["components"]["schemas"][page.rpartition("/")[2]]["required"] == [
        "results",
        "next_cursor",
    ]


def test_strict_bodies_take_no_other_fields(schema: dict[str, Any]) -> None:
    components = schema["components"]["schemas"]

    assert components["NoteInRequest"]["additionalProperties"] is False
    assert "additionalProperties" not in components["NoteIn"]


def test_keys_are_told_as_bearer_tokens(schema: dict[str, Any]) -> None:
    assert schema["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
