"""A job as its card shows it, and who may look at it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse

from marketplace.jobs.models import Job
from marketplace.jobs.selectors import JobProgress, job_progress
from marketplace.kit.errors import Forbidden, NotFound
from marketplace.organizations.access import membership_role
from marketplace.organizations.models import Organization
from marketplace.people.access import staff_roles
from marketplace.people.models import User
from tasks.access import MANAGERS, visible_exports, visible_imports

_TITLES = {
    "tasks.check_import": "Reading the file",
    "tasks.load_import": "Importing",
    "tasks.build_export": "Writing the export",
}
_TONES = {
    "ready": ("", "clock"),
    "running": ("accent", "loader"),
    "done": ("ok", "check"),
    "dead": ("bad", "circle-alert"),
    "cancelled": ("", "x"),
}
_WORDS = {"ready": "waiting", "dead": "stopped"}
_MOVING = ("ready", "running")
OPERATORS = ("support", "finance", "quality")


@dataclass(frozen=True, slots=True)
class Card:
    """What `c-job` draws. Only a moving card asks for itself again."""

    id: UUID
    title: str
    word: str
    tone: str
    icon: str
    percent: int | None
    counts: str
    note: str
    is_moving: bool
    poll_url: str
    result_url: str
    result_label: str
    cancel_url: str
    retry_url: str


@dataclass(frozen=True, slots=True)
class _Owner:
    """The thing a job works on: its page, how the work is stopped, and whether one may."""

    url: str
    cancel_url: str
    can_act: bool


def card_of(job_id: UUID, *, user: User) -> Card:
    """The card of a job this person may see, or NotFound."""
    job = find_job(job_id, user=user)
    owner, read = _owner(job, user), job_progress(job)
    tone, icon = _TONES[job.state]
    is_moving = job.state in _MOVING
    return Card(
        id=job.pk,
        title=_TITLES.get(job.kind, job.kind),
        word=_WORDS.get(job.state, job.state),
        tone=tone,
        icon=icon,
        percent=read.percent if job.state != "ready" else None,
        counts=_counts(job, read),
        note="It stops after this part." if read.is_cancelling else read.note,
        is_moving=is_moving,
        poll_url=reverse("job", args=[job.pk]),
        result_url=owner.url if owner and job.state == "done" else "",
        result_label="See the result",
        cancel_url=owner.cancel_url if owner and owner.can_act and is_moving else "",
        retry_url=reverse("retry_job", args=[job.pk]) if _may_retry(job, owner, user) else "",
    )


def find_job(job_id: UUID, *, user: User) -> Job:
    """A job one asked for, or that works on something one may see, or NotFound."""
    job = Job.objects.filter(pk=job_id).order_by("pk").first()
    if job is None or not _may_see(job, user):
        raise NotFound("There is nothing here.")
    return job


def require_retry(job: Job, user: User) -> None:
    """Refuse who neither asked for the job nor runs the project that it works for."""
    if not _may_act(job, _owner(job, user), user):
        raise Forbidden("Who asked for this, or a manager of the project, can start it again.")


def _may_retry(job: Job, owner: _Owner | None, user: User) -> bool:
    return job.state == "dead" and _may_act(job, owner, user)


def _may_act(job: Job, owner: _Owner | None, user: User) -> bool:
    is_operator = bool(staff_roles(user) & set(OPERATORS))
    return job.asked_by == user.pk or is_operator or bool(owner and owner.can_act)


def _may_see(job: Job, user: User) -> bool:
    if job.asked_by == user.pk or staff_roles(user) & set(OPERATORS):
        return True
    return _owner(job, user) is not None


def _owner(job: Job, user: User) -> _Owner | None:
    if "upload_id" in job.args:
        imports = visible_imports(to=user).filter(pk=job.args["upload_id"])
        found = imports.select_related("batch__project__organization").order_by("pk").first()
        if found is None:
            return None
        organization = found.batch.project.organization
        return _links("import", organization, user, upload_id=found.pk)
    if "export_id" in job.args:
        exports = visible_exports(to=user).filter(pk=job.args["export_id"])
        made = exports.select_related("project__organization").order_by("pk").first()
        if made is None:
            return None
        return _links("export", made.project.organization, user, export_id=made.pk)
    return None


def _links(name: str, organization: Organization, user: User, **key: UUID) -> _Owner:
    kwargs = {"slug": organization.slug, **key}
    return _Owner(
        url=reverse(f"client:{name}", kwargs=kwargs),
        cancel_url=reverse(f"client:cancel_{name}", kwargs=kwargs),
        can_act=membership_role(user, organization) in MANAGERS,
    )


def _counts(job: Job, read: JobProgress) -> str:
    if job.state == "ready":
        return "Waiting for its turn."
    if job.state == "dead":
        return "It failed several times and was stopped. What was finished before is kept."
    if job.state == "cancelled":
        return "Cancelled."
    words = [f"{read.done:,} of {read.total:,}" if read.total else f"{read.done:,} done"]
    if job.state == "running" and read.rate:
        words.append(f"{read.rate:,.0f} a second")
    if read.seconds_left is not None:
        words.append(f"{read.seconds_left:,} s left")
    return " · ".join(words)
