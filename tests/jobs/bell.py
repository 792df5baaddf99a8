"""A broker that notes what it is told, or is away; and the way to another broker."""

from __future__ import annotations

from uuid import UUID

from kombu import pools

from marketplace.celery import app


class RecordingBell:
    def __init__(self) -> None:
        self.rung: list[tuple[UUID, str]] = []
        self.waiting_messages: dict[str, int] = {}
        self.is_away = False

    def ring(self, *, job_id: UUID, queue: str) -> None:
        self.rung.append((job_id, queue))

    def waiting(self, *, queue: str) -> int | None:
        return None if self.is_away else self.waiting_messages.get(queue, 0)


def reconnect_to(url: str) -> None:
    """Point this process's publishing at another broker."""
    app.conf.update(broker_url=url, broker_read_url=url, broker_write_url=url)
    app._pool = None  # type: ignore[attr-defined] # Celery has no other way to forget it
    app.amqp._producer_pool = None  # type: ignore[attr-defined] # as above
    pools.reset()
