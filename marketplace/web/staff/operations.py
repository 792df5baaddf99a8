"""Background work to look after: what is due, what died and why, retry and cancel."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from marketplace.jobs.models import TRANSITIONS, Job
from marketplace.jobs.selectors import JobProgress, job_progress, queue_overview
from marketplace.jobs.services.operating import cancel_job, retry_job
from marketplace.kit import clock
from marketplace.kit.errors import DomainError, NotFound
from marketplace.people.models import User
from marketplace.web.paging import page_of
from marketplace.web.staff.access import OPERATORS, act_of, for_staff, may, visible_jobs
from marketplace.web.staff.labels import job_badge

SWEPT_WITHIN = 60  # seconds; the sweeper runs every 5
MOVING = ("ready", "running")
Values = dict[str, Any]  # Any: template values


@for_staff()
def jobs(request: HttpRequest, user: User) -> HttpResponse:
    """Queues above, the jobs of a state below."""
    lines = queue_overview(visible_jobs(to=user))
    late = max((line.oldest_due_seconds for line in lines), default=0)
    state, queue = request.GET.get("state", ""), request.GET.get("queue", "")
    page = page_of(request, _chosen(visible_jobs(to=user), state, queue))
    context = {
        "lines": lines,
        "unswept": late if late > SWEPT_WITHIN else 0,
        "page": page,
        "rows": [{"row": each, "badge": job_badge(each.state)} for each in page.rows],
        "state": state,
        "states": tuple(TRANSITIONS),
        "queue": queue,
        "queues": tuple(settings.JOB_QUEUES),
    }
    return render(request, "web/staff/jobs.html", context)


@for_staff()
def job(request: HttpRequest, user: User, job_id: UUID) -> HttpResponse:
    """One job."""
    found = _find(user, job_id)
    context = {
        "job": found,
        "card": _card(found, user),
        "badge": job_badge(found.state),
        "args": sorted(found.args.items()),
        "may_cancel": may(user, *OPERATORS) and found.state in MOVING,
        "is_cancelling": found.cancel_requested_at is not None and found.state == "running",
    }
    return render(request, "web/staff/job.html", context)


@for_staff()
def job_card(request: HttpRequest, user: User, job_id: UUID) -> HttpResponse:
    """The card of a job that still moves; when it has ended the whole page is read anew."""
    found = _find(user, job_id)
    if request.GET.get("seen") != found.state:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "web/staff/job_card.html", {"card": _card(found, user)})


@act_of(*OPERATORS)
def retry(request: HttpRequest, user: User, job_id: UUID) -> HttpResponse:
    """Give a dead job all its tries again."""
    found = _find(user, job_id)
    try:
        retry_job(job=found, by=user.pk, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.info(request, "It runs again, under the same key.")
    return redirect("staff:job", job_id)


@act_of(*OPERATORS)
def cancel(request: HttpRequest, user: User, job_id: UUID) -> HttpResponse:
    """Stop a job."""
    found = _find(user, job_id)
    try:
        after = cancel_job(job=found, by=user.pk, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        is_over = after.state == "cancelled"
        messages.info(request, "Cancelled." if is_over else "It stops after this chunk.")
    return redirect("staff:job", job_id)


def _chosen(rows: QuerySet[Job], state: str, queue: str) -> QuerySet[Job]:
    rows = rows.filter(state=state) if state in TRANSITIONS else rows
    return rows.filter(queue=queue) if queue in settings.JOB_QUEUES else rows


def _find(user: User, job_id: UUID) -> Job:
    found = visible_jobs(to=user).filter(pk=job_id).order_by("pk").first()
    if found is None:
        raise NotFound("There is no such job.")
    return found


def _card(found: Job, user: User) -> Values:
    progress, badge = job_progress(found), job_badge(found.state)
    poll = reverse("staff:job_card", args=[found.pk])
    is_dead = found.state == "dead" and may(user, *OPERATORS)
    return {
        "id": found.pk,
        "title": "Progress",
        "word": badge.word,
        "tone": badge.tone,
        "icon": badge.icon,
        "is_moving": found.state in MOVING,
        "poll_url": f"{poll}?seen={found.state}",
        "percent": progress.percent,
        "counts": _counts(found, progress),
        "note": progress.note,
        "retry_url": reverse("staff:retry_job", args=[found.pk]) if is_dead else "",
    }


def _counts(found: Job, progress: JobProgress) -> str:
    done = f"{progress.done:,} done"
    if progress.total:
        done = f"{progress.done:,} of {progress.total:,} done"
    left = f", about {progress.seconds_left} s left" if progress.seconds_left else ""
    return f"{done}{left}, try {found.attempts} of {found.max_attempts}"
