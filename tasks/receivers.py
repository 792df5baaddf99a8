"""News from lower packages."""

from __future__ import annotations

from uuid import UUID

from django.dispatch import receiver

from marketplace.kit import clock
from tasks.services.routing import rebuild_expert_routes
from vetting.signals import qualification_changed


@receiver(qualification_changed, dispatch_uid="tasks.qualification_changed")
def follow_qualification(*, expert_id: UUID, **_: object) -> None:
    """A qualification opens or closes routes in the transaction that changed it."""
    rebuild_expert_routes(expert_id=expert_id, at=clock.now())
