"""States and the moves between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from marketplace.kit.errors import DomainError

Transitions = Mapping[str, frozenset[str]]


class HasState(Protocol):
    """A row with a state."""

    state: str


class IllegalTransition(DomainError):
    """The row cannot move to that state; the message names the moves it can make."""

    code = "illegal_transition"
    status = 409


def transitions(table: Mapping[str, str]) -> Transitions:
    """Build a table from `{"draft": "open cancelled", "open": ""}`; every target must be a key."""
    built = {state: frozenset(targets.split()) for state, targets in table.items()}
    unknown = frozenset().union(*built.values()) - built.keys()
    if unknown:
        raise ValueError(f"states without a row: {', '.join(sorted(unknown))}")
    return built


def require_transition(table: Transitions, row: HasState, target: str) -> None:
    """Refuse a move that the table does not have, naming the moves that are allowed."""
    allowed = table[row.state]
    if target not in allowed:
        moves = ", ".join(sorted(allowed)) or "none"
        kind = type(row).__name__.lower()
        raise IllegalTransition(
            f"This {kind} is {row.state}; from there it cannot become {target}. Allowed: {moves}.",
            state=row.state,
            wanted=target,
            allowed=sorted(allowed),
        )
