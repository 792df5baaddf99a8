"""Who runs the instance, in which role."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import InvalidInput
from marketplace.people.access import require_superuser
from marketplace.people.models import StaffRole, User


@transaction.atomic
def grant_role(*, user: User, role: str, by: User, at: datetime) -> StaffRole:
    """Make somebody staff in one more role. Superusers only; twice changes nothing."""
    require_superuser(by)
    if role not in StaffRole.Role.values:
        known = ", ".join(StaffRole.Role.values)
        raise InvalidInput(
            f"Choose one of {known}.", errors=[{"field": "role", "problem": f"One of {known}."}]
        )
    locked = User.objects.select_for_update().get(pk=user.pk)
    granted, is_new = StaffRole.objects.get_or_create(
        user=locked, role=role, defaults={"granted_at": at}
    )
    if is_new:
        _mark(user, locked=locked)
        _record("staff_role.granted", user=user, role=role, by=by, at=at)
    return granted


@transaction.atomic
def revoke_role(*, user: User, role: str, by: User, at: datetime) -> User:
    """Take a role away; who has none left is staff no longer. Superusers only."""
    require_superuser(by)
    locked = User.objects.select_for_update().get(pk=user.pk)
    removed, _ = StaffRole.objects.filter(user=locked, role=role).delete()
    if removed:
        _mark(user, locked=locked)
        _record("staff_role.revoked", user=user, role=role, by=by, at=at)
    return user


def _mark(user: User, *, locked: User) -> None:
    """Staff are superusers and those with a role; the caller's row learns it too."""
    locked.is_staff = locked.is_superuser or locked.staff_roles.exists()
    locked.save(update_fields=["is_staff"])
    user.is_staff, user.known_roles = locked.is_staff, None


def _record(kind: str, *, user: User, role: str, by: User, at: datetime) -> None:
    record(kind, at=at, object_kind="user", object_id=user.pk, actor=by.pk, data={"role": role})
