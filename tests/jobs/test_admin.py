from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest
from django.test import RequestFactory

from marketplace.events.models import Event
from marketplace.jobs.admin import JobAdmin
from marketplace.jobs.models import Job
from marketplace.kit.ids import uuid7
from tests.jobs.kinds import queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_of_staff(rf: RequestFactory) -> HttpRequest:
    request = rf.post("/")
    request.user = get_user_model()(pk=uuid7())
    request._messages = CookieStorage(request)  # type: ignore[attr-defined] # as the middleware does
    return request


def told(request: HttpRequest) -> list[str]:
    return [str(message) for message in get_messages(request)]


def act(name: str) -> Callable[[HttpRequest, Job], None]:
    def run(request: HttpRequest, job: Job) -> None:
        admin = JobAdmin(Job, site)
        getattr(admin, name)(request, Job.objects.filter(pk=job.pk))

    return run


def test_a_job_can_be_cancelled_and_the_person_is_known(request_of_staff: HttpRequest) -> None:
    job = queued()

    act("cancel")(request_of_staff, job)

    job.refresh_from_db()
    assert (job.state, job.cancel_requested_by) == ("cancelled", request_of_staff.user.pk)
    assert told(request_of_staff) == []


def test_what_cannot_be_done_is_said(request_of_staff: HttpRequest) -> None:
    job = queued()

    act("retry")(request_of_staff, job)

    (message,) = told(request_of_staff)
    assert "This job is ready; from there it cannot become ready." in message


def test_jobs_and_events_are_never_added_edited_or_deleted_by_hand(
    request_of_staff: HttpRequest,
) -> None:
    jobs, events = JobAdmin(Job, site), site.get_model_admin(Event)

    assert not jobs.has_add_permission(request_of_staff)
    assert not jobs.has_delete_permission(request_of_staff)
    assert set(jobs.readonly_fields) >= {"state", "attempts", "args"}
    assert not events.has_add_permission(request_of_staff)
    assert not events.has_change_permission(request_of_staff)
    assert not events.has_delete_permission(request_of_staff)
