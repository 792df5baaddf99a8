"""Projects: texts with versions, states with reasons, terms that are accepted as shown."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from marketplace.events.models import Event
from marketplace.formats.registry import UnknownFormat
from marketplace.kit.states import IllegalTransition
from marketplace.projects.access import joinable_projects, visible_projects, visible_terms
from marketplace.projects.models import DataUseTerms, Engagement, Guideline
from marketplace.projects.services.joining import OwnClient, ProjectTakesNobody, TermsChanged
from marketplace.projects.services.moving import ProjectIsIncomplete
from marketplace.projects.services.preparing import EmptyText, UnknownPurpose
from tasks.services import batches, engaging, projects
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db


def test_a_project_of_an_unknown_format_is_refused() -> None:
    with pytest.raises(UnknownFormat, match="preference, classification"):
        make.draft_project(kind="telepathy")


def test_each_text_is_a_new_version_and_the_newest_is_current() -> None:
    project = make.pilot()

    projects.publish_guideline(project=project, body="New.", by=project.created_by, at=NOON)
    make.publish_terms(project, body="New.", purposes=("research", "training", "training"))

    project.refresh_from_db()
    assert project.current_guideline is not None
    assert project.current_terms is not None
    assert (project.current_guideline.version, project.current_terms.version) == (2, 2)
    assert project.current_terms.purposes == ["research", "training"]
    assert list(
        Event.objects.filter(kind="terms.published").values_list("data__version", flat=True)
    ) == [1, 2]


def test_what_people_read_and_the_plan_can_change_before_the_next_batch() -> None:
    project = make.project()
    by = project.created_by

    projects.describe_project(
        project=project, title="T", summary="S", content_warning="Blood.", by=by, at=NOON
    )
    projects.plan_quality(project=project, answers_per_task=5, review_days=3, by=by, at=NOON)

    batch = batches.create_batch(project=project, name="x", price=make.usd(1), by=by, at=NOON)
    project.refresh_from_db()
    assert (project.title, project.content_warning) == ("T", "Blood.")
    assert (batch.answers_per_task, batch.review_days) == (5, 3)


def test_published_texts_never_change() -> None:
    make.pilot()

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Guideline.objects.update(body="other")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        DataUseTerms.objects.update(body="other")


def test_empty_texts_and_unknown_purposes_are_refused() -> None:
    project = make.draft_project()

    with pytest.raises(EmptyText):
        projects.publish_guideline(project=project, body=" ", by=project.created_by, at=NOON)
    with pytest.raises(EmptyText):
        make.publish_terms(project, body="")
    with pytest.raises(UnknownPurpose):
        make.publish_terms(project, purposes=("fun",))
    with pytest.raises(UnknownPurpose):
        make.publish_terms(project, purposes=())


def test_a_pilot_needs_guidelines_and_terms() -> None:
    project = make.draft_project()

    with pytest.raises(ProjectIsIncomplete) as refused:
        projects.pilot_project(project=project, by=project.created_by, at=NOON)

    assert refused.value.data == {"missing": ["guidelines", "data-use terms"]}


def test_states_follow_the_table() -> None:
    project = make.pilot()
    by = project.created_by
    seen = []

    for verb in (
        projects.activate_project,
        projects.pause_project,
        projects.activate_project,
        projects.close_project,
        projects.archive_project,
    ):
        project = verb(project=project, by=by, at=NOON)
        seen.append(project.state)

    assert seen == ["active", "paused", "active", "closed", "archived"]
    assert (project.close_reason, project.closed_at) == ("completed", NOON)
    with pytest.raises(IllegalTransition, match="Allowed: none"):
        projects.activate_project(project=project, by=by, at=NOON)


def test_terms_are_accepted_as_shown() -> None:
    project = make.project()
    expert = make.expert()
    terms = project.current_terms
    assert terms is not None

    engagement = engaging.accept_terms(
        expert=expert, project=project, shown_hash=terms.content_hash, at=NOON
    )

    assert (engagement.terms, engagement.shown_hash) == (terms, terms.content_hash)
    assert engagement.pay_channel == "stripe"
    assert Event.objects.get(kind="terms.accepted").expert == expert.pk


def test_accepting_twice_is_accepting_once() -> None:
    project = make.project()
    expert = make.expert()

    make.join(expert, project)
    make.join(expert, project)

    assert Engagement.objects.count() == 1
    assert Event.objects.filter(kind="terms.accepted").count() == 1


def test_terms_that_changed_while_reading_are_refused_with_the_new_hash() -> None:
    project = make.project()
    assert project.current_terms is not None
    shown = project.current_terms.content_hash
    newer = make.publish_terms(project, body="Also for research.")

    with pytest.raises(TermsChanged) as refused:
        engaging.accept_terms(expert=make.expert(), project=project, shown_hash=shown, at=NOON)

    assert refused.value.data == {"current": newer.content_hash}
    assert not Engagement.objects.exists()


def test_a_project_that_has_not_started_or_has_ended_takes_nobody() -> None:
    project = make.draft_project()
    terms = make.publish_terms(project)

    with pytest.raises(ProjectTakesNobody):
        engaging.accept_terms(
            expert=make.expert(), project=project, shown_hash=terms.content_hash, at=NOON
        )


def test_clients_see_their_own_projects_and_experts_what_they_may_join() -> None:
    own, other, draft = make.project(), make.project(), make.draft_project()
    lin, ada = own.created_by, make.expert().user

    assert set(visible_projects(to=lin)) == {own}
    assert set(visible_projects(to=ada)) == set()
    assert set(joinable_projects(to=ada)) == {own, other}
    assert {terms.project for terms in visible_terms(to=draft.created_by)} == {own, other}


def test_a_member_of_the_client_does_not_work_in_its_projects() -> None:
    project = make.project()
    ada = make.expert()
    make.enrol(ada.user, project.organization)

    with pytest.raises(OwnClient, match="You are a member of Lab"):
        make.join(ada, project)

    assert not Engagement.objects.exists()
