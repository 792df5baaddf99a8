"""The switch that stops all sending and refunds; earning goes on."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import InvalidInput
from marketplace.people.models import User
from payouts.models import PauseTurn

SHORTEST_REASON = 10


@transaction.atomic
def pause_payments(*, why: str, by: User, at: datetime) -> PauseTurn:
    """Send and refund nothing more for now; calls in flight still end. InvalidInput without why."""
    return _turn(PauseTurn(is_paused=True, why=why.strip()[:200], by=by, at=at))


@transaction.atomic
def resume_payments(*, why: str, by: User, at: datetime) -> PauseTurn:
    """Let money leave again; sweeps pick up what waited. InvalidInput without why."""
    return _turn(PauseTurn(is_paused=False, why=why.strip()[:200], by=by, at=at))


def _turn(turn: PauseTurn) -> PauseTurn:
    if len(turn.why) < SHORTEST_REASON:
        problem = {"field": "why", "problem": f"needs {SHORTEST_REASON} characters or more"}
        raise InvalidInput("Say why, in a few words.", errors=[problem])
    turn.save(force_insert=True)
    record(
        "payments.paused" if turn.is_paused else "payments.resumed",
        at=turn.at,
        object_kind="pause",
        object_id=turn.id,
        actor=turn.by_id,
        data={"why": turn.why},
    )
    return turn
