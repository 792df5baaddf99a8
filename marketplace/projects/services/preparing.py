"""Bring a project into the world and publish the texts it works under."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from marketplace.events.services.recording import record
from marketplace.formats import registry
from marketplace.kit.errors import InvalidInput
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from marketplace.projects.models import DataUseTerms, Guideline, Project, Requirement
from marketplace.projects.models.texts import PURPOSES
from vetting.models import Skill


class EmptyText(InvalidInput):
    """Guidelines and terms say something."""

    code = "empty_text"


class UnknownPurpose(InvalidInput):
    """Terms name at least one purpose, and only known ones."""

    code = "unknown_purpose"


class CurrencyNotOffered(InvalidInput):
    """The instance has no projects in this currency."""

    code = "currency_not_offered"


@transaction.atomic
def create_project(
    *,
    organization: Organization,
    title: str,
    format: str,  # noqa: A002 the glossary's word
    by: User,
    at: datetime,
    summary: str = "",
    currency: str | None = None,
    answers_per_task: int = 3,
) -> Project:
    """Begin a project as a draft; its currency, by itself the instance's first, never changes.

    Raises UnknownFormat where no format has that name, CurrencyNotOffered.
    """
    project = Project.objects.create(
        organization=organization,
        title=title,
        summary=summary,
        format=registry.get(format).kind,
        format_version=registry.get(format).version,
        currency=_offered(currency),
        answers_per_task=answers_per_task,
        created_by=by,
        created_at=at,
    )
    _record(project, "project.created", by, at, format=project.format)
    return project


@transaction.atomic
def describe_project(
    *, project: Project, title: str, summary: str, content_warning: str, by: User, at: datetime
) -> Project:
    """Change what people read about the project before they join."""
    project.title, project.summary, project.content_warning = title, summary, content_warning
    project.save(update_fields=["title", "summary", "content_warning"])
    _record(project, "project.described", by, at)
    return project


@transaction.atomic
def plan_quality(
    *, project: Project, answers_per_task: int, review_days: int, by: User, at: datetime
) -> Project:
    """Set the plan of batches made from now on: how many answers, how long until silence pays."""
    project.answers_per_task, project.review_days = answers_per_task, review_days
    project.save(update_fields=["answers_per_task", "review_days"])
    _record(project, "project.quality_planned", by, at, answers=answers_per_task, days=review_days)
    return project


@transaction.atomic
def keep_mapping(*, project: Project, mapping: Sequence[str]) -> Project:
    """Remember the client's field mapping for the next file. Records no event."""
    project.mapping = list(mapping)
    project.save(update_fields=["mapping"])
    return project


@transaction.atomic
def publish_guideline(
    *, project: Project, body: str, by: User, at: datetime, change_note: str = ""
) -> Guideline:
    """Publish the next version of the guidelines; claims from now on work under it."""
    if not body.strip():
        raise EmptyText("Write the guidelines first.")
    project = _locked(project)
    guideline = Guideline.objects.create(
        project=project,
        version=_next_version(project.guidelines.aggregate(last=Max("version"))["last"]),
        body=body,
        change_note=change_note,
        content_hash=sha256(body.encode()).hexdigest(),
        published_by=by,
        published_at=at,
    )
    project.current_guideline = guideline
    project.save(update_fields=["current_guideline"])
    _record(project, "guideline.published", by, at, version=guideline.version)
    return guideline


@transaction.atomic
def add_terms(
    *,
    project: Project,
    body: str,
    purposes: Sequence[str],
    licence: str,
    by: User,
    at: datetime,
) -> DataUseTerms:
    """Publish the next version of the data-use terms and make it the current one.

    Raises EmptyText and UnknownPurpose. Routes follow in `tasks.services.projects.publish_terms`.
    """
    if not body.strip() or not licence.strip():
        raise EmptyText("Write the terms and name the licence first.")
    unknown = set(purposes) - set(PURPOSES)
    if unknown or not purposes:
        raise UnknownPurpose(f"Name at least one purpose of: {', '.join(PURPOSES)}.")
    project = _locked(project)
    named = sorted(set(purposes))
    content = json.dumps([body, named, licence], ensure_ascii=False)
    terms = DataUseTerms.objects.create(
        project=project,
        version=_next_version(project.terms.aggregate(last=Max("version"))["last"]),
        body=body,
        purposes=named,
        licence=licence,
        content_hash=sha256(content.encode()).hexdigest(),
        published_by=by,
        published_at=at,
    )
    project.current_terms = terms
    project.save(update_fields=["current_terms"])
    _record(project, "terms.published", by, at, version=terms.version, hash=terms.content_hash)
    return terms


@transaction.atomic
def set_requirement(
    *, project: Project, skill: Skill, level: int, by: User, at: datetime
) -> Requirement:
    """Ask experts of the project for the skill at `level` (1 to 3) or above."""
    requirement, _ = Requirement.objects.update_or_create(
        project=project, skill=skill, defaults={"level": level}
    )
    _record(project, "requirement.set", by, at, skill=str(skill.pk), level=level)
    return requirement


@transaction.atomic
def drop_requirement(*, project: Project, skill: Skill, by: User, at: datetime) -> None:
    """No longer ask for the skill; nothing happens where it was not asked for."""
    dropped, _ = Requirement.objects.filter(project=project, skill=skill).delete()
    if dropped:
        _record(project, "requirement.dropped", by, at, skill=str(skill.pk))


def _offered(currency: str | None) -> str:
    if currency is None:
        return settings.CURRENCIES[0]
    if currency not in settings.CURRENCIES:
        said = f"Projects here are in {' or '.join(settings.CURRENCIES)}."
        raise CurrencyNotOffered(said, errors=[{"field": "currency", "problem": said}])
    return currency


def _locked(project: Project) -> Project:
    return Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def _next_version(last: int | None) -> int:
    return (last or 0) + 1


def _record(project: Project, kind: str, by: User, at: datetime, **data: str | int) -> None:
    record(
        kind,
        at=at,
        object_kind="project",
        object_id=project.pk,
        actor=by.pk,
        organization=project.organization_id,
        project=project.pk,
        data=data,
    )
