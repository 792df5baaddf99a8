"""Domains and skills."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError
from marketplace.people.models import User
from vetting.models import Domain, Skill


class NameTaken(DomainError):
    """Something of that name exists."""

    code = "name_taken"
    status = 409


@transaction.atomic
def add_domain(
    *, slug: str, name: str, by: User, at: datetime, parent: Domain | None = None
) -> Domain:
    """Open a field of knowledge. Raises NameTaken."""
    if Domain.objects.filter(slug=slug).exists():
        raise NameTaken(f"There is a domain “{slug}” already.")
    domain = Domain.objects.create(slug=slug, name=name, parent=parent)
    _tell("domain.added", domain, by, at)
    return domain


@transaction.atomic
def regulate_domain(*, domain: Domain, by: User, at: datetime) -> Domain:
    """From now on nobody is approved for this domain without two people."""
    domain.is_regulated = True
    domain.save(update_fields=["is_regulated"])
    _tell("domain.regulated", domain, by, at)
    return domain


@transaction.atomic
def add_skill(*, domain: Domain, ability: str, name: str, by: User, at: datetime) -> Skill:
    """Add an ability to a domain; its slug is `domain.ability`. Raises NameTaken."""
    if Skill.objects.filter(domain=domain, ability=ability).exists():
        raise NameTaken(f"{domain.name} has the skill “{ability}” already.")
    skill = Skill.objects.create(
        domain=domain, ability=ability, name=name, slug=f"{domain.slug}.{ability}"
    )
    _tell("skill.added", skill, by, at)
    return skill


def _tell(kind: str, row: Domain | Skill, by: User, at: datetime) -> None:
    record(
        kind,
        at=at,
        object_kind=kind.partition(".")[0],
        object_id=row.pk,
        actor=by.pk,
        data={"slug": row.slug},
    )
