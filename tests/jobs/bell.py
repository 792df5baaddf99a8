"""A broker that notes what it is told, or is away."""

from __future__ import annotations

from uuid import UUID


class RecordingBell:
    def __init__(self) -> None:
        self.rung: list[tuple[UUID, str]] = []
        self.waiting_messages: dict[str, int] = {}
        self.is_away = False

    def ring(self, *, job_id: UUID, queue: str) -> None:
        self.rung.append((job_id, queue))

    def waiting(self, *, queue: str) -> int | None:
        return None if self.is_away else self.waiting_messages.get(queue, 0)
