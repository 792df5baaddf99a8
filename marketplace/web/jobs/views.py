"""Long work that can be left and found again: its page, its card, Retry."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.jobs.services.operating import retry_job
from marketplace.kit import clock
from marketplace.people.access import signed_in
from marketplace.web.jobs.card import card_of, find_job, require_retry


def job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """The page of a job; asked for by its card, the card alone.

    Once it has ended, the page that embeds the card is loaded again: it has something new to show.
    """
    card = card_of(job_id, user=signed_in(request))
    if not request.headers.get("HX-Request"):
        return render(request, "web/jobs/job.html", {"job": card})
    response = render(request, "web/jobs/job.html#card", {"job": card})
    if not card.is_moving:
        response["HX-Refresh"] = "true"
    return response


@require_POST
def retry(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Give a dead job all its attempts again."""
    user = signed_in(request)
    found = find_job(job_id, user=user)
    require_retry(found, user)
    retry_job(job=found, by=user.pk, at=clock.now())
    card = card_of(job_id, user=user)
    return redirect(card.poll_url)
