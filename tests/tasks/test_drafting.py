"""What an expert types is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from tasks.models import Draft
from tasks.services import claiming, reviewing
from tasks.services.claiming import LeaseOver
from tasks.services.drafting import DraftConflict, DraftRefused, save_draft
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db


def test_each_save_counts_up() -> None:
    assignment = make.claimed(make.open_batch())

    save_draft(assignment=assignment, answer={"rationale": "a"}, based_on=0, at=NOON)
    saved = save_draft(assignment=assignment, answer={"rationale": "ab"}, based_on=1, at=NOON)

    assert saved.draft.revision == 2
    assert Draft.objects.get().answer == {"rationale": "ab"}


def test_a_second_tab_overwrites_nothing_silently() -> None:
    assignment = make.claimed(make.open_batch())
    save_draft(assignment=assignment, answer={"rationale": "first tab"}, based_on=0, at=NOON)

    with pytest.raises(DraftConflict) as refused:
        save_draft(assignment=assignment, answer={"rationale": "second"}, based_on=0, at=NOON)

    assert refused.value.data == {"revision": 1, "answer": {"rationale": "first tab"}}
    assert Draft.objects.get().answer == {"rationale": "first tab"}


def test_a_field_over_its_limit_is_named_and_the_rest_is_kept() -> None:
    assignment = make.claimed(make.open_batch())

    saved = save_draft(
        assignment=assignment,
        answer={"overall": 9, "rationale": "x" * 6000, "both_bad": True},
        based_on=0,
        at=NOON,
    )

    assert [problem.path for problem in saved.problems] == ["overall", "rationale"]
    assert saved.draft.answer == {"both_bad": True}


def test_what_is_only_unfinished_is_no_problem() -> None:
    assignment = make.claimed(make.open_batch())

    saved = save_draft(assignment=assignment, answer={"rationale": "sho"}, based_on=0, at=NOON)

    assert saved.problems == ()


@pytest.mark.parametrize(
    "answer", [{"rationale": "x" * 300_000}, {"rationale": "a\x00b"}], ids=["too large", "NUL"]
)
def test_what_cannot_be_kept_is_refused(answer: dict[str, str]) -> None:
    assignment = make.claimed(make.open_batch())

    with pytest.raises(DraftRefused):
        save_draft(assignment=assignment, answer={**answer}, based_on=0, at=NOON)

    assert not Draft.objects.exists()


def test_after_the_lease_the_draft_is_refused_with_the_reason() -> None:
    assignment = make.claimed(make.open_batch())
    claiming.expire_leases(at=NOON + timedelta(hours=1))

    with pytest.raises(LeaseOver, match="ran out"):
        save_draft(assignment=assignment, answer={}, based_on=0, at=NOON)


def test_changes_that_were_asked_for_can_be_drafted() -> None:
    batch = make.open_batch()
    assignment = make.submitted(batch)
    reviewing.ask_changes(assignment=assignment, by=batch.created_by, message="Why?", at=NOON)
    assignment.refresh_from_db()

    saved = save_draft(assignment=assignment, answer={"overall": 1}, based_on=0, at=NOON)

    assert saved.draft.answer == {"overall": 1}


def test_a_save_takes_few_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    assignment = make.claimed(make.open_batch())

    with django_assert_num_queries(6):  # two of them the savepoint
        save_draft(assignment=assignment, answer={"overall": 1}, based_on=0, at=NOON)
