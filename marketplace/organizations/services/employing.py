"""For whom an expert works, from one day until another."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError
from marketplace.organizations.models import Employment, Organization
from marketplace.people.models import Expert


class EmploymentsOverlap(DomainError):
    """An earlier employment still runs on that day."""

    code = "employments_overlap"


class NotEmployed(DomainError):
    """The expert has no running employment to end."""

    code = "not_employed"


@transaction.atomic
def begin_employment(
    *,
    expert: Expert,
    workforce: str,
    from_date: date,
    at: datetime,
    organization: Organization | None = None,
) -> Employment:
    """From that day on the expert works as `employee` of the organisation, or as `volunteer`."""
    Expert.objects.select_for_update().get(pk=expert.pk)
    running = Employment.objects.filter(expert=expert).exclude(until_date__lte=from_date)
    if running.exists():
        raise EmploymentsOverlap("An earlier employment runs on that day. End it first.")
    employment = Employment.objects.create(
        expert=expert, organization=organization, workforce=workforce, from_date=from_date
    )
    _record("employment.began", employment, at=at)
    return employment


@transaction.atomic
def end_employment(*, expert: Expert, until_date: date, at: datetime) -> Employment:
    """Until before that day; from it on the expert is independent."""
    try:
        employment = Employment.objects.select_for_update().get(
            expert=expert, until_date__isnull=True
        )
    except Employment.DoesNotExist:
        raise NotEmployed("There is no running employment.") from None
    employment.until_date = until_date
    employment.save(update_fields=["until_date"])
    _record("employment.ended", employment, at=at)
    return employment


def _record(kind: str, employment: Employment, *, at: datetime) -> None:
    record(
        kind,
        at=at,
        object_kind="employment",
        object_id=employment.pk,
        expert=employment.expert_id,
        organization=employment.organization_id,
        data={"workforce": employment.workforce},
    )
