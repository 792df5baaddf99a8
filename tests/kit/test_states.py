"""Moves between states are a table; a refusal names the moves there are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import pytest

from marketplace.kit.states import IllegalTransition, require_transition, transitions

TABLE = transitions({"draft": "open cancelled", "open": "closed", "closed": "", "cancelled": ""})


@dataclass
class Batch:
    state: str


def moves(state: str) -> list[str]:
    found = []
    for target in TABLE:
        with suppress(IllegalTransition):
            require_transition(TABLE, Batch(state), target)
            found.append(target)
    return found


def test_the_moves_of_the_table_pass_and_no_others() -> None:
    assert {state: moves(state) for state in TABLE} == {
        "draft": ["open", "cancelled"],
        "open": ["closed"],
        "closed": [],
        "cancelled": [],
    }


def test_a_refused_move_names_the_allowed_ones() -> None:
    with pytest.raises(IllegalTransition) as refusal:
        require_transition(TABLE, Batch("draft"), "closed")

    assert refusal.value.message == (
        "This batch is draft; from there it cannot become closed. Allowed: cancelled, open."
    )
    assert refusal.value.data["allowed"] == ["cancelled", "open"]


def test_an_end_state_says_that_there_are_none() -> None:
    with pytest.raises(IllegalTransition, match="Allowed: none"):
        require_transition(TABLE, Batch("closed"), "open")


def test_a_target_without_a_row_is_a_mistake_in_the_table() -> None:
    with pytest.raises(ValueError, match="opne"):
        transitions({"draft": "opne"})
