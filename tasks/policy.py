"""Rules of work as plain numbers and functions: no database, no clock."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from marketplace.formats.interface import Format

SHORTEST_LEASE_SECONDS = 900
LEASE_TIMES_ESTIMATE = 3
MOST_EXTENSIONS = 20
EXTEND_BELOW = timedelta(minutes=10)
MOST_ACTIVE = 3  # of one expert; the SQL of the claim (migration 0002) holds the same number
LONGEST_BEAT = timedelta(seconds=90)
CHANGES_WINDOW = timedelta(days=3)
DISPUTE_WINDOW = timedelta(days=14)
KILL_FEE_PERCENT = 50
LARGEST_DRAFT_BYTES = 256_000

# Any: the kind of work is only known by name to whoever calls.
AnyFormat = Format[Any, Any]


def lease_seconds(estimates: list[int]) -> int:
    """Three times the median of the estimated seconds, at least 15 minutes."""
    middle = sorted(estimates)[len(estimates) // 2] if estimates else 0
    return max(SHORTEST_LEASE_SECONDS, LEASE_TIMES_ESTIMATE * middle)


def sides_are_swapped(form: AnyFormat, *, seed: int) -> bool:
    """Whether this assignment shows the pair the other way round: half of the seeds do."""
    return form.mirror_prompt is not None and seed % 2 == 1


def shown_payload(form: AnyFormat, *, payload: JsonValue, seed: int) -> dict[str, JsonValue]:
    """The prompt as this assignment shows it."""
    prompt = form.read_prompt(payload)
    if form.mirror_prompt is not None and sides_are_swapped(form, seed=seed):
        prompt = form.mirror_prompt(prompt)
    shown: dict[str, JsonValue] = prompt.model_dump(mode="json")
    return shown


def kept_answer(form: AnyFormat, *, answer: JsonValue, seed: int) -> dict[str, JsonValue]:
    """A shown answer in the client's order of sides, or the other way round: it undoes itself.

    Raises InvalidPayload.
    """
    read = form.read_answer(answer)
    if form.mirror_answer is not None and sides_are_swapped(form, seed=seed):
        read = form.mirror_answer(read)
    kept: dict[str, JsonValue] = read.model_dump(mode="json")
    return kept


def content_hash(value: JsonValue) -> str:
    """SHA-256 of the canonical JSON of a value."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def client_pseudonym(*, secret: str, organization: UUID, expert: UUID) -> str:
    """How one client sees one expert: stable there, unlinkable to any other client's name."""
    text = f"{organization}:{expert}".encode()
    return "expert-" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()[:16]
