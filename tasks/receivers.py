"""News from lower packages."""

from __future__ import annotations

from uuid import UUID

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from marketplace.kit import clock
from marketplace.organizations.models import Membership
from marketplace.people.models import Expert
from tasks.services.routing import rebuild_expert_routes
from vetting.signals import qualification_changed


@receiver(qualification_changed, dispatch_uid="tasks.qualification_changed")
def follow_qualification(*, expert_id: UUID, **_: object) -> None:
    """A qualification opens or closes routes in the transaction that changed it."""
    rebuild_expert_routes(expert_id=expert_id, at=clock.now())


@receiver([post_save, post_delete], sender=Membership, dispatch_uid="tasks.membership_changed")
def follow_membership(*, instance: Membership, **_: object) -> None:
    """Who joins a client leaves the routes of its projects; who leaves it comes back."""
    for expert in Expert.objects.filter(user=instance.user_id).order_by("pk"):
        rebuild_expert_routes(expert_id=expert.pk, at=clock.now())
