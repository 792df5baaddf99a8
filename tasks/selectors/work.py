"""What an expert works on, could work on, and still lacks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import (
    Count,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Prefetch,
    prefetch_related_objects,
)
from pydantic import JsonValue

from marketplace.formats import registry
from marketplace.formats.interface import Presentation
from marketplace.people.models import Expert
from marketplace.projects.models import Engagement, Project, Requirement
from tasks.models import Assignment, Draft, ExpertRoute, Submission, Task
from tasks.policy import MOST_EXTENSIONS, kept_answer, shown_payload
from vetting.models import Qualification

MOST_COUNTED = 100


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that the task page needs of one assignment, the sides as this expert sees them.

    `answer` is the draft, else the last submission, else empty. `seconds_left` is None where no
    lease runs.
    """

    payload: dict[str, JsonValue]
    presentation: Presentation
    answer: dict[str, JsonValue]
    draft_revision: int
    next_revision: int
    seconds_left: int | None
    extensions_left: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """A project with free seats, as one expert finds it. By the hour, a price is a most.

    `tasks_left` counts tasks with a free seat that they have not held, for one answer each.
    `missing` names the skills they lack; with none missing and `is_joined`, they can claim.
    """

    project: Project
    tasks_left: int
    price_min: int
    price_max: int
    hourly_max: int | None
    missing: tuple[str, ...]
    is_joined: bool

    @property
    def can_claim(self) -> bool:
        """Whether a claim would succeed now."""
        return self.is_joined and not self.missing and self.tasks_left > 0


def sheet(assignment: Assignment, *, at: datetime) -> Sheet:
    """The task page of an assignment whose task, batch and project are loaded."""
    form = registry.get(assignment.project.format)
    payload = shown_payload(form, payload=assignment.task.payload, seed=assignment.seed)
    draft = Draft.objects.filter(assignment=assignment).order_by("pk").first()
    last = _last_submission(assignment)
    sent = kept_answer(form, answer=last.answer, seed=assignment.seed) if last else {}
    until = assignment.lease_until
    return Sheet(
        payload=payload,
        presentation=form.presentation(form.read_prompt(payload)),
        answer=draft.answer if draft else sent,
        draft_revision=draft.revision if draft else 0,
        next_revision=assignment.revision + 1,
        seconds_left=None if until is None else max(0, int((until - at).total_seconds())),
        extensions_left=max(0, MOST_EXTENSIONS - assignment.extensions),
        notes=_notes(assignment),
    )


def place(assignment: Assignment) -> tuple[int, int]:
    """`task n of up to m`: own answers in the batch plus one, and those still open to the expert.

    Open tasks are counted up to 100: beyond that the number says nothing and costs a scan.
    """
    mine = Assignment.objects.filter(batch=assignment.batch_id, expert=assignment.expert_id)
    n = mine.filter(revision__gte=1).count() + (assignment.revision == 0)
    held = Assignment.objects.filter(task=OuterRef("pk"), expert=assignment.expert_id)
    free = Task.objects.filter(batch=assignment.batch_id, is_open=True).exclude(Exists(held))
    return n, n + free.order_by("pk")[:MOST_COUNTED].count()


def offers(
    expert: Expert, projects: Iterable[Project], *, levels: Mapping[UUID, int] | None = None
) -> list[Offer]:
    """Of these projects, those with tasks left for the expert, claimable ones first.

    `levels` by skill where the caller has read them.
    """
    listed = {project.pk: project for project in projects}
    asked = Requirement.objects.select_related("skill").order_by("skill__slug", "pk")
    prefetch_related_objects(list(listed.values()), Prefetch("requirements", asked))
    held = held_levels(expert) if levels is None else levels
    own = Assignment.objects.filter(expert=expert).values("task")
    accepted = Engagement.objects.filter(
        expert=expert, terms=OuterRef("batch__project__current_terms")
    )
    free = (
        Task.objects.filter(is_open=True, batch__project__in=list(listed))
        .exclude(pk__in=own)
        .values(key=F("batch__project_id"), is_joined=Exists(accepted))
        .annotate(
            tasks=Count("pk"),
            low=Min("batch__price_minor"),
            high=Max("batch__price_minor"),
            hourly=Max("batch__hourly_minor"),
        )
        .order_by("key")
    )
    found = [
        Offer(
            project=listed[row["key"]],
            tasks_left=row["tasks"],
            price_min=row["low"],
            price_max=row["high"],
            hourly_max=row["hourly"],
            missing=_missing(listed[row["key"]], held),
            is_joined=row["is_joined"],
        )
        for row in free
    ]
    return sorted(found, key=lambda offer: (bool(offer.missing), not offer.is_joined))


def missing_skills(expert: Expert, project: Project) -> tuple[str, ...]:
    """Names of the skills that the project asks for and the expert lacks, with the level."""
    return _missing(project, held_levels(expert))


def held_levels(expert: Expert) -> dict[UUID, int]:
    """The highest level of the expert's active qualifications by skill."""
    held = Qualification.objects.filter(expert=expert, state="active").order_by()
    return dict(held.values_list("skill").annotate(level=Max("level")))


def matching_experts(project: Project) -> int:
    """How many experts hold every qualification that the project asks for."""
    experts = Expert.objects.filter(paused_at__isnull=True)
    for requirement in project.requirements.all():
        experts = experts.filter(
            pk__in=Qualification.objects.filter(
                skill_id=requirement.skill_id, level__gte=requirement.level, state="active"
            ).values("expert")
        )
    return experts.count()


def can_claim(expert: Expert, project: Project) -> bool:
    """Whether the expert is on the project's route: qualified, and the current terms accepted."""
    return ExpertRoute.objects.filter(
        expert=expert, route__project=project, route__is_current=True
    ).exists()


def _last_submission(assignment: Assignment) -> Submission | None:
    if assignment.revision == 0:
        return None
    return Submission.objects.get(assignment=assignment, revision=assignment.revision)


def _notes(assignment: Assignment) -> tuple[str, ...]:
    """What reviewers asked for, newest last."""
    asked = assignment.submissions.filter(reviews__verdict="ask_changes").order_by("revision")
    return tuple(asked.values_list("reviews__message", flat=True))


def _missing(project: Project, held: Mapping[UUID, int]) -> tuple[str, ...]:
    lacking = [
        each for each in project.requirements.all() if held.get(each.skill_id, 0) < each.level
    ]
    return tuple(
        each.skill.name if each.level == 1 else f"{each.skill.name}, level {each.level}"
        for each in sorted(lacking, key=lambda each: (each.skill.slug, each.pk))
    )
