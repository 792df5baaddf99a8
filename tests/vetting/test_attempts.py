"""Taking a test: questions one at a time, against the clock, until the rule has seen enough."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from marketplace.events.models import Event
from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit import clock
from marketplace.kit.errors import InvalidInput
from marketplace.kit.states import IllegalTransition
from marketplace.people.models import DecisionRecord
from tests.vetting import build
from tests.vetting.build import DAY, NOON
from vetting.models import Attempt, AttemptItem, AttemptResult, Item, QualityEvent, Response
from vetting.ranking import Topic
from vetting.selectors.attempts import answered, candidates, unseen_items
from vetting.selectors.scores import skill_score
from vetting.services.assessments import NotPublishable, Rules, create_assessment, publish_version
from vetting.services.attempts import (
    AlreadyPassed,
    CoolingDown,
    NoAttemptsLeft,
    NoRulesYet,
    NoUnseenItems,
    QuestionClosed,
    TimeIsUp,
    UnansweredQuestion,
    answer_question,
    save_response,
    start_attempt,
    submit_attempt,
    time_out_attempt,
    time_out_attempts,
    void_attempt,
)

pytestmark = pytest.mark.django_db
LIMIT = timedelta(seconds=900)


def started(**rules: Any) -> Attempt:
    return start_attempt(expert=build.expert(), assessment=build.assessment(**rules), at=NOON)


def test_a_test_starts_with_one_question_and_a_deadline() -> None:
    attempt = started()

    assert (attempt.state, attempt.number) == ("in_progress", 1)
    assert attempt.deadline_at == NOON + LIMIT
    assert [each.shown.position for each in answered(attempt)] == [1]


def test_starting_twice_gives_the_same_attempt_and_question() -> None:
    expert, test = build.expert(), build.assessment()
    first = start_attempt(expert=expert, assessment=test, at=NOON)

    again = start_attempt(expert=expert, assessment=test, at=NOON + timedelta(minutes=1))

    assert again == first
    assert AttemptItem.objects.count() == 1


def test_right_answers_pass_as_soon_as_the_rule_is_sure() -> None:
    attempt = started()

    taken = build.answer(attempt, rightly=True)
    attempt = submit_attempt(attempt=attempt, at=NOON)

    result = AttemptResult.objects.get(attempt=attempt)
    assert (attempt.state, attempt.ended_by, result.outcome) == ("passed", "submitted", "passed")
    assert 8 <= taken <= 12
    assert (result.n_right, result.n_answered) == (taken, taken)
    assert result.probability >= 0.9
    assert sum(part["asked"] for part in result.topics.values()) == taken


def test_wrong_answers_fail_and_name_areas_but_no_question() -> None:
    attempt = started()

    build.answer(attempt, rightly=False)
    attempt = submit_attempt(attempt=attempt, at=NOON)

    decision = DecisionRecord.objects.get(kind="assessment.failed")
    assert attempt.state == "failed"
    assert (decision.automated, decision.adverse, decision.subject_id) == (True, False, attempt.pk)
    assert "heart" in decision.message
    assert "Question" not in decision.message
    assert decision.appeal_until == NOON + 30 * DAY
    assert not QualityEvent.objects.exists()


def test_a_pass_seeds_the_score_with_at_most_ten_answers() -> None:
    attempt = started(minimum=22, maximum=25)
    build.answer(attempt, rightly=True)

    submit_attempt(attempt=attempt, at=NOON)

    with clock.at(NOON):
        run_due_jobs()
    assert QualityEvent.objects.filter(source="test", credit=1.0).count() == 20
    reading = skill_score(attempt.expert, attempt.assessment.skill, NOON)
    assert reading.n_eff == pytest.approx(10.0)


def test_topics_come_by_their_weight() -> None:
    attempt = started(minimum=10, maximum=20)

    build.answer(attempt, rightly=True, times=9)

    topics = [each.item.topic for each in answered(attempt)]
    assert (topics.count("heart"), topics.count("lung")) == (5, 5)


def test_the_last_revision_of_an_answer_counts() -> None:
    attempt = started()

    save_response(attempt=attempt, position=1, choices=[0], at=NOON)
    save_response(attempt=attempt, position=1, choices=[0], at=NOON)
    save_response(attempt=attempt, position=1, choices=[1], at=NOON)

    assert list(Response.objects.order_by("revision").values_list("choices", flat=True)) == [
        [0],
        [1],
    ]
    assert answered(attempt)[0].is_right


def test_only_the_question_on_the_page_can_be_answered() -> None:
    attempt = started()
    answer_question(attempt=attempt, position=1, choices=[1], at=NOON)

    with pytest.raises(QuestionClosed):
        save_response(attempt=attempt, position=1, choices=[0], at=NOON)


@pytest.mark.parametrize("choices", [[], [4], [-1], [1, 1], [0, 1]])
def test_a_choice_that_is_not_there_is_refused(choices: list[int]) -> None:
    attempt = started()

    with pytest.raises(InvalidInput):
        save_response(attempt=attempt, position=1, choices=choices, at=NOON)


def test_a_test_that_still_asks_cannot_be_handed_in() -> None:
    attempt = started()
    build.answer(attempt, rightly=True, times=3)

    with pytest.raises(UnansweredQuestion):
        submit_attempt(attempt=attempt, at=NOON)


def test_handing_in_twice_gives_the_same_result() -> None:
    attempt = started()
    build.answer(attempt, rightly=True)

    first = submit_attempt(attempt=attempt, at=NOON)
    second = submit_attempt(attempt=attempt, at=NOON + DAY)

    assert first == second
    assert AttemptResult.objects.count() == 1


@pytest.mark.parametrize(("late_s", "saved"), [(0, True), (5, True), (6, False)])
def test_an_answer_is_kept_until_five_seconds_after_the_deadline(late_s: int, saved: bool) -> None:
    attempt = started()
    at = NOON + LIMIT + timedelta(seconds=late_s)

    if saved:
        save_response(attempt=attempt, position=1, choices=[1], at=at)
    else:
        with pytest.raises(TimeIsUp):
            save_response(attempt=attempt, position=1, choices=[1], at=at)

    assert Response.objects.count() == int(saved)


def test_time_out_grades_what_was_saved_and_too_little_is_not_enough() -> None:
    attempt = started()
    build.answer(attempt, rightly=True, times=7)

    assert time_out_attempts(at=NOON + LIMIT) == 0
    assert time_out_attempts(at=NOON + LIMIT + timedelta(seconds=6)) == 1

    attempt.refresh_from_db()
    assert (attempt.state, attempt.ended_by) == ("failed", "timed_out")
    assert AttemptResult.objects.get(attempt=attempt).n_answered == 7


def test_time_out_passes_who_had_answered_enough() -> None:
    attempt = started(minimum=4, maximum=25, pass_at=0.99)
    build.answer(attempt, rightly=True, times=6)

    time_out_attempts(at=NOON + LIMIT + timedelta(seconds=6))

    attempt.refresh_from_db()
    assert attempt.state == "passed"


def test_the_next_attempt_waits_and_meets_new_questions() -> None:
    expert = build.expert()
    test = build.assessment(size=60, maximum=25, max_attempts=2)
    first = build.taken(expert, test, rightly=False)

    with pytest.raises(CoolingDown) as refused:
        start_attempt(expert=expert, assessment=test, at=NOON + 13 * DAY)
    second = build.taken(expert, test, rightly=True, at=NOON + 14 * DAY)

    assert refused.value.data == {"from": (NOON + 14 * DAY).isoformat()}
    assert (second.number, second.state) == (2, "passed")
    met = [{each.item.pk for each in answered(attempt)} for attempt in (first, second)]
    assert met[0].isdisjoint(met[1])


def test_half_of_an_earlier_fail_is_carried_into_the_next_attempt() -> None:
    test = build.assessment(size=60, maximum=25, max_attempts=2)
    fresh, failed = build.expert(), build.expert()
    build.taken(failed, test, rightly=False)

    later = NOON + 14 * DAY
    for who in (fresh, failed):
        build.taken(who, test, rightly=True, at=later)

    needed = {
        result.attempt.expert_id: result.n_answered
        for result in AttemptResult.objects.filter(graded_at=later).select_related("attempt")
    }
    assert needed[failed.pk] > needed[fresh.pk]


def test_attempts_run_out_and_a_pass_is_final() -> None:
    test = build.assessment()
    failed, passed = build.expert(), build.expert()
    build.taken(failed, test, rightly=False)
    build.taken(passed, test, rightly=True)

    with pytest.raises(NoAttemptsLeft):
        start_attempt(expert=failed, assessment=test, at=NOON + 365 * DAY)
    with pytest.raises(AlreadyPassed):
        start_attempt(expert=passed, assessment=test, at=NOON + 365 * DAY)


def test_a_voided_attempt_costs_nothing_and_its_questions_are_fresh_again() -> None:
    expert, test = build.expert(), build.assessment()
    attempt = start_attempt(expert=expert, assessment=test, at=NOON)

    void_attempt(attempt=attempt, by=build.person(), at=NOON)
    assert len(unseen_items(expert, attempt.version)) == 30
    again = start_attempt(expert=expert, assessment=test, at=NOON)

    assert again.number == 2
    build.answer(again, rightly=True)
    with pytest.raises(IllegalTransition):
        void_attempt(attempt=submit_attempt(attempt=again, at=NOON), by=build.person(), at=NOON)


def test_too_few_unseen_questions_use_no_attempt() -> None:
    expert, test = build.expert(), build.assessment()
    Item.objects.exclude(pk__in=Item.objects.order_by("ref")[:7]).update(state="retired")

    with pytest.raises(NoUnseenItems):
        start_attempt(expert=expert, assessment=test, at=NOON)

    assert not Attempt.objects.exists()


def test_a_test_without_rules_is_not_open() -> None:
    test = create_assessment(skill=build.skill(), slug="x", name="X", by=build.person(), at=NOON)

    with pytest.raises(NoRulesYet):
        start_attempt(expert=build.expert(), assessment=test, at=NOON)


def test_rules_ask_for_a_bank_that_is_large_enough() -> None:
    test = build.assessment()

    with pytest.raises(NotPublishable) as refused:
        publish_version(assessment=test, rules=Rules(max_attempts=2), by=build.person(), at=NOON)

    assert refused.value.data == {"present": 30, "wanted": 50}


@pytest.mark.parametrize(
    "rules",
    [
        Rules(time_limit_s=901),
        Rules(topics=[Topic("eye", 1.0, 1)]),
        Rules(topics=[Topic("heart", 1.0, 14), Topic("lung", 1.0, 14)]),
    ],
    ids=["too long unpaid", "topic without questions", "more than the test has"],
)
def test_unfair_rules_are_refused(rules: Rules) -> None:
    test = build.assessment()

    with pytest.raises(NotPublishable):
        publish_version(assessment=test, rules=rules, by=build.person(), at=NOON)


def test_a_running_attempt_keeps_its_rules() -> None:
    expert, test = build.expert(), build.assessment(minimum=8)
    attempt = start_attempt(expert=expert, assessment=test, at=NOON)

    publish_version(assessment=test, rules=Rules(minimum=20), by=build.person(), at=NOON)

    assert build.answer(attempt, rightly=True) < 20
    assert test.versions.count() == 2


def test_the_database_holds_one_running_attempt_and_never_edits_answers() -> None:
    attempt = started()
    save_response(attempt=attempt, position=1, choices=[1], at=NOON)

    second = Attempt(
        expert=attempt.expert,
        assessment=attempt.assessment,
        version=attempt.version,
        number=2,
        seed=1,
        state="in_progress",
        started_at=NOON,
        deadline_at=NOON + LIMIT,
    )
    one_running = pytest.raises(IntegrityError, match="expert_takes_a_test_once_at_a_time")
    with one_running, transaction.atomic():
        second.save(force_insert=True)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Response.objects.update(choices=[0])
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        attempt.assessment.versions.update(cut=0.0)


def test_what_happened_is_told() -> None:
    build.taken(build.expert(), build.assessment(), rightly=True)

    kinds = (
        Event.objects.filter(object_kind="attempt").order_by("id").values_list("kind", flat=True)
    )
    assert list(kinds) == ["attempt.started", "attempt.submitted", "attempt.passed"]


def test_an_attempt_without_any_answer_fails_kindly_when_its_time_is_over() -> None:
    attempt = started()

    time_out_attempts(at=NOON + DAY)
    time_out_attempt(attempt=attempt, at=NOON + DAY)

    decision = DecisionRecord.objects.get()
    assert decision.reason_code == "no_answers"
    assert decision.message == "No answer was saved before the time was up."


def test_questions_shown_to_many_rest_once_twenty_people_have_started() -> None:
    test = build.assessment(size=40)
    for _ in range(21):
        start_attempt(expert=build.expert(), assessment=test, at=NOON)
    worn = Item.objects.get(pk=answered(Attempt.objects.order_by("id")[0])[0].item.pk)
    latest = Attempt.objects.order_by("-id")[0]

    for later, exposed in ((NOON, True), (NOON + 31 * DAY, False)):
        shares = {each.id: each.exposure for each in candidates(latest, [], at=later)}
        assert (shares[worn.pk] > 0) is exposed


def test_a_light_topic_still_has_its_fewest_questions_before_the_test_stops() -> None:
    test = build.assessment()
    topics = [Topic("heart", 1.0, 1), Topic("lung", 0.01, 6)]
    publish_version(
        assessment=test, rules=Rules(topics=topics, minimum=8), by=build.person(), at=NOON
    )

    attempt = build.taken(build.expert(), test, rightly=True)

    asked = [each.item.topic for each in answered(attempt)]
    assert asked.count("lung") == 6
    assert len(asked) <= 12


def test_a_sure_verdict_waits_for_topics_not_yet_asked() -> None:
    test = build.assessment()
    topics = [Topic("heart", 1.0, 1), Topic("lung", 1.0, 8)]
    publish_version(
        assessment=test, rules=Rules(topics=topics, minimum=1), by=build.person(), at=NOON
    )

    attempt = build.taken(build.expert(), test, rightly=True)

    assert [each.item.topic for each in answered(attempt)].count("lung") == 8
