"""What the task page and the review page are given."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import JsonValue

from marketplace.events.services.sealing import seal_events
from marketplace.formats import registry
from marketplace.kit.ids import uuid7
from tasks.models import Assignment
from tasks.policy import client_pseudonym, kept_answer, lease_seconds, shown_payload
from tasks.selectors.answers import event_head
from tasks.selectors.review import review_case, review_queue
from tasks.selectors.work import place, sheet
from tasks.services import drafting, reviewing
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db


def test_half_of_the_seeds_swap_the_sides_and_the_answer_swaps_back() -> None:
    form = registry.get("preference")
    answer: JsonValue = {"overall": -3, "rationale": "Because it says what it is."}

    plain, swapped = (shown_payload(form, payload=make.pair(), seed=seed) for seed in (4, 5))
    kept = [kept_answer(form, answer=answer, seed=seed)["overall"] for seed in (4, 5)]

    assert plain["response_a"] == swapped["response_b"] == "It is 2."
    assert kept == [-3, 3]


def test_the_sheet_shows_the_lease_the_draft_and_the_place() -> None:
    batch = make.open_batch(tasks=4, answers=1)
    expert = make.joined_expert(batch.project)
    make.submitted(batch, by=expert)
    assignment = make.claimed(batch, by=expert)
    drafting.save_draft(assignment=assignment, answer={"overall": 2}, based_on=0, at=NOON)

    shown = sheet(assignment, at=NOON + timedelta(seconds=100))

    assert (shown.seconds_left, shown.extensions_left) == (800, 20)
    assert (shown.answer, shown.draft_revision, shown.next_revision) == ({"overall": 2}, 1, 1)
    assert place(assignment) == (2, 4)
    assert [ask.path for ask in shown.presentation.asks] == ["overall", "rationale", "both_bad"]


def test_after_asked_changes_the_sheet_has_the_sent_answer_and_the_reviewers_words() -> None:
    batch = make.open_batch()
    assignment = make.submitted(batch, overall=3)
    reviewing.ask_changes(assignment=assignment, by=batch.created_by, message="Why?", at=NOON)
    assignment.refresh_from_db()

    shown = sheet(assignment, at=NOON)

    assert shown.notes == ("Why?",)
    assert (shown.seconds_left, shown.next_revision) == (None, 2)
    assert shown.answer["overall"] == (-3 if assignment.seed % 2 else 3)


def test_the_review_queue_starts_with_what_silence_would_approve_first() -> None:
    batch = make.open_batch()
    late = make.submitted(batch, at=NOON + timedelta(minutes=5))
    early = make.submitted(batch)
    make.claimed(batch)

    assert list(review_queue(Assignment.objects.all())) == [early, late]


def test_a_review_case_has_the_clients_sides_the_marks_and_former_reviews() -> None:
    batch = make.open_batch()
    assignment = make.submitted(batch, overall=-2)
    reviewing.ask_changes(assignment=assignment, by=batch.created_by, message="Why?", at=NOON)
    make.submit(assignment, overall=2, revision=2, at=NOON + timedelta(seconds=1))

    case = review_case(Assignment.objects.select_related("task", "project").get(pk=assignment.pk))

    assert case.payload == {**make.pair(), "criteria": []}
    assert case.submission.revision == 2
    assert case.answer == {**case.submission.answer, "overall": 2}
    assert [mark.message for mark in case.marks] == [
        "was sent in less than the 3 s that reading takes"
    ]
    assert [review.verdict for review in case.earlier] == ["ask_changes"]
    assert case.expert.startswith("expert-")


def test_a_pseudonym_is_stable_for_one_client_and_different_for_another() -> None:
    expert, one, two = uuid7(), uuid7(), uuid7()

    names = [
        client_pseudonym(secret="s", organization=organization, expert=expert)
        for organization in (one, one, two)
    ]

    assert names[0] == names[1] != names[2]


def test_a_lease_is_at_least_a_quarter_of_an_hour() -> None:
    assert [lease_seconds(given) for given in ([], [10], [100, 400, 900])] == [900, 900, 1200]


def test_the_event_head_is_the_last_seal() -> None:
    assert event_head() == (0, "")

    make.open_batch()
    sealed = seal_events()

    assert event_head()[0] == sealed
