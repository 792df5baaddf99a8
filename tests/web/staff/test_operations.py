"""Jobs and events as their pages show them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from marketplace.events.models import Event
from marketplace.events.services.sealing import seal_events
from marketplace.jobs.models import Job
from marketplace.people.models import User
from tests.jobs import kinds
from tests.web.staff import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def sam() -> User:
    return cast.staff("support")


def _due_since(seconds: int) -> None:
    """A job due that long in the database's own time, which no test moves."""
    job = kinds.queued(f"due {seconds}")
    Job.objects.filter(pk=job.pk).update(run_at=Now() - timedelta(seconds=seconds))


def test_dead_job_shows_its_error_and_is_retried(sam: User) -> None:
    job = cast.dead_job()
    client = cast.enter(sam)

    page = cast.text(client.get(reverse("staff:job", args=[job.pk])))
    client.post(reverse("staff:retry_job", args=[job.pk]))

    assert "Stripe closed this account." in page
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("ready", 0)


def test_waiting_job_is_cancelled_and_never_again(sam: User) -> None:
    job = kinds.queued()
    client = cast.enter(sam)

    client.post(reverse("staff:cancel_job", args=[job.pk]))
    again = client.post(reverse("staff:cancel_job", args=[job.pk]), follow=True)

    job.refresh_from_db()
    assert (job.state, job.cancel_requested_by) == ("cancelled", sam.pk)
    assert "This job is cancelled" in cast.text(again)


def test_red_line_when_nothing_was_swept_for_a_minute(sam: User) -> None:
    client, url = cast.enter(sam), reverse("staff:jobs")
    _due_since(30)
    calm = cast.text(client.get(url))

    _due_since(90)

    assert "Nothing was swept" not in calm
    assert "Nothing was swept for 9" in cast.text(client.get(url))


def test_card_of_a_job_reloads_the_page_once_it_has_ended(sam: User) -> None:
    job = kinds.queued()
    client, url = cast.enter(sam), reverse("staff:job_card", args=[job.pk])

    waiting = client.get(url, {"seen": "ready"})
    Job.objects.filter(pk=job.pk).update(state="done", finished_at=Now())
    ended = client.get(url, {"seen": "ready"})

    assert "load delay:1s" in cast.text(waiting)
    assert ended.headers["HX-Refresh"] == "true"


def test_jobs_are_chosen_by_state_and_queue(sam: User) -> None:
    dead, waiting = cast.dead_job(), kinds.queued("later")
    client, url = cast.enter(sam), reverse("staff:jobs")

    found = [
        [row["row"].pk for row in client.get(url, sent).context["rows"]]
        for sent in ({"state": "dead"}, {"state": "ready"}, {"state": "ready", "queue": "bulk"})
    ]

    assert found == [[dead.pk], [waiting.pk], []]


def test_events_are_found_by_kind_and_by_any_id() -> None:
    credential = cast.credential()
    client, url = cast.enter(cast.staff("auditor")), reverse("staff:events")

    by_kind = client.get(url, {"kind": "credential."}).context["rows"]
    by_expert = client.get(url, {"about": str(credential.expert_id)}).context["rows"]
    by_nonsense = client.get(url, {"about": "nonsense"}).context["rows"]

    assert {each.kind for each in by_kind} == {"credential.drafted", "credential.submitted"}
    assert len(by_expert) == Event.objects.filter(expert=credential.expert_id).count()
    assert by_nonsense == []


def test_whole_chain_is_said_to_be_whole() -> None:
    cast.credential()
    seal_events()
    client = cast.enter(cast.staff("auditor"))

    page = cast.text(client.post(reverse("staff:check_events")))

    assert "The chain is whole" in page


def test_list_below_the_answer_leads_back_to_the_log() -> None:
    client = cast.enter(cast.staff("auditor"))

    answer = client.get(reverse("staff:check_events"), {"kind": "job."})

    assert answer.headers["Location"] == "/staff/events/?kind=job."


@pytest.mark.parametrize("url", ["/staff/jobs/?after=nonsense", "/staff/jobs/?after=" + "9" * 40])
def test_strange_key_shows_the_first_page(sam: User, url: str) -> None:
    kinds.queued()

    assert len(cast.enter(sam).get(url).context["rows"]) == 1
