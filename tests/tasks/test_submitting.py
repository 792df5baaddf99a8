"""Answers are sent once, whole, and graded where the truth is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from pydantic import JsonValue

from marketplace.formats.problems import InvalidPayload
from tasks.models import Assignment, Draft, GoldAnswer, Submission, Task
from tasks.services import batches, claiming, drafting
from tasks.services.claiming import LeaseOver
from tasks.services.submitting import AlreadySubmitted, Envelope, RevisionSkipped, submit
from tests import make
from tests.make import NOON
from vetting.models import QualityEvent

pytestmark = pytest.mark.django_db
ENVELOPE = Envelope(revision=1, active_seconds=60)


def test_a_submission_keeps_the_answer_and_what_was_said_about_it() -> None:
    assignment = make.claimed(make.open_batch(tasks=1, answers=1))
    later = NOON + timedelta(minutes=5)
    envelope = replace(ENVELOPE, assistance="llm", assistance_note="spelling", confidence=4)

    sent = submit(
        assignment=assignment, answer=make.answer(assignment), envelope=envelope, at=later
    )

    assert (sent.revision, sent.active_seconds, sent.assistance) == (1, 60, "llm")
    assert (sent.confidence, sent.assistance_note) == (4, "spelling")
    assert len(sent.content_sha256) == 64
    assignment.refresh_from_db()
    assert assignment.state == "awaiting_review"
    assert assignment.review_until == later + timedelta(days=7)
    assert Task.objects.get().state == "in_review"


def test_answers_are_kept_in_the_clients_order_of_sides() -> None:
    batch = make.open_batch(tasks=20, answers=1)
    expert = make.joined_expert(batch.project)

    sent = [make.submitted(batch, by=expert, overall=-2) for _ in range(20)]

    assert len({assignment.seed % 2 for assignment in sent}) == 2
    kept = {answer["overall"] for answer in Submission.objects.values_list("answer", flat=True)}
    assert kept == {-2}


def test_work_time_is_never_more_than_the_time_since_the_claim() -> None:
    assignment = make.claimed(make.open_batch())
    envelope = replace(ENVELOPE, active_seconds=9999)

    sent = submit(
        assignment=assignment,
        answer=make.answer(assignment),
        envelope=envelope,
        at=NOON + timedelta(seconds=100),
    )

    assert sent.active_seconds == 100


def test_sending_again_returns_the_first_submission() -> None:
    assignment = make.claimed(make.open_batch())

    first, again = make.submit(assignment), make.submit(assignment)

    assert first == again
    assert Submission.objects.count() == 1


def test_another_answer_for_the_same_revision_is_refused() -> None:
    assignment = make.claimed(make.open_batch())
    make.submit(assignment, overall=-2)

    with pytest.raises(AlreadySubmitted):
        make.submit(assignment, overall=3)


def test_revisions_are_sent_in_order() -> None:
    assignment = make.claimed(make.open_batch())

    with pytest.raises(RevisionSkipped) as refused:
        make.submit(assignment, revision=2)

    assert refused.value.data == {"next": 1}


def test_a_faulty_answer_is_refused_with_every_problem() -> None:
    assignment = make.claimed(make.open_batch())

    with pytest.raises(InvalidPayload) as refused:
        submit(
            assignment=assignment, answer={"overall": 5, "colour": 1}, envelope=ENVELOPE, at=NOON
        )

    fields = {error["field"] for error in refused.value.data["errors"]}
    assert fields == {"overall", "colour", "rationale"}
    assert Assignment.objects.get().state == "active"


def test_what_the_prompt_does_not_allow_is_refused() -> None:
    batch = make.open_batch(of=make.project(kind="classification"))
    assignment = make.claimed(batch)

    with pytest.raises(InvalidPayload, match="must be one of termination, payment"):
        submit(assignment=assignment, answer={"label": "other"}, envelope=ENVELOPE, at=NOON)


def test_a_lease_that_ran_out_counts_until_its_seat_is_given_back() -> None:
    batch = make.open_batch(tasks=2, answers=1)
    kept, lost = make.claimed(batch), make.claimed(batch)
    late = NOON + timedelta(hours=1)

    make.submit(kept, at=late)
    claiming.expire_leases(at=late)

    with pytest.raises(LeaseOver):
        make.submit(lost, at=late)
    kept.refresh_from_db()
    assert kept.state == "awaiting_review"


def test_submitting_clears_the_draft() -> None:
    assignment = make.claimed(make.open_batch())
    drafting.save_draft(assignment=assignment, answer={"overall": 1}, based_on=0, at=NOON)

    make.submit(assignment)

    assert not Draft.objects.exists()


def test_gold_is_graded_in_every_skill_of_the_work() -> None:
    skill = make.skill()
    batch = make.ready_batch(of=make.project(needs=skill), tasks=1, answers=2)
    truth: JsonValue = {"overall": -1, "rationale": "Only one answer gives the sum."}
    batches.add_gold(
        task=Task.objects.get(), answer=truth, provenance="client", by=batch.created_by, at=NOON
    )
    batches.open_batch(batch=batch, by=batch.created_by, at=NOON)
    right, wrong = make.expert(), make.expert()
    for who in (right, wrong):
        make.qualify(who, skill)
        make.join(who, batch.project)

    make.submitted(batch, by=right, overall=-3)
    make.submitted(batch, by=wrong, overall=1)

    events = QualityEvent.objects.filter(source="gold", skill=skill)
    assert {(event.expert_id, event.credit) for event in events} == {
        (right.pk, 1.0),
        (wrong.pk, 0.0),
    }
    assert GoldAnswer.objects.get().exposures == 2


def test_gold_that_does_not_fit_its_task_is_refused() -> None:
    batch = make.ready_batch(of=make.project(kind="classification"), tasks=1)

    with pytest.raises(InvalidPayload):
        batches.add_gold(
            task=Task.objects.get(),
            answer={"label": "weather"},
            provenance="client",
            by=batch.created_by,
            at=NOON,
        )


def test_a_qualification_lost_meanwhile_stops_claims_and_not_the_running_task() -> None:
    skill = make.skill()
    batch = make.open_batch(of=make.project(needs=skill))
    expert = make.expert()
    make.qualify(expert, skill)
    make.join(expert, batch.project)
    assignment = make.claimed(batch, by=expert)

    make.suspend(expert, skill)

    assert claiming.claim_next(expert=expert, at=NOON) is None
    assert make.submit(assignment).revision == 1


def test_a_submission_cannot_be_edited() -> None:
    sent = make.submit(make.claimed(make.open_batch()))

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Submission.objects.filter(pk=sent.pk).update(answer={})
