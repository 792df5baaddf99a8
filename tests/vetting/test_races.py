"""Two at once: one wins, nothing is counted twice."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import transaction

from marketplace.kit.errors import DomainError
from marketplace.kit.ids import uuid7
from tests.races.crowd import together
from tests.vetting import build
from tests.vetting.build import NOON
from vetting.models import Application, Attempt, AttemptResult, Qualification, SkillScore
from vetting.services.applications import apply, confirm_decision, propose_decision, submit
from vetting.services.attempts import start_attempt, submit_attempt
from vetting.services.scoring import record_evidence, update_score

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def test_two_people_who_confirm_at_once_decide_once() -> None:
    application = submit(
        application=apply(expert=build.expert(), domain=build.skill().domain, at=NOON), at=NOON
    )
    propose_decision(application=application, outcome="approved", by=build.person(), at=NOON)
    confirm = partial(confirm_decision, application=application, at=NOON)

    results = together([partial(confirm, by=build.person()), partial(confirm, by=build.person())])

    assert sum(isinstance(result, Application) for result in results) == 1
    assert sum(isinstance(result, DomainError) for result in results) == 1
    assert Qualification.objects.count() == 1


def test_a_test_started_in_two_tabs_is_one_attempt_and_is_graded_once() -> None:
    expert, test = build.expert(), build.assessment()

    attempts = together([partial(start_attempt, expert=expert, assessment=test, at=NOON)] * 4)
    build.answer(attempts[0], rightly=True)
    graded = together([partial(submit_attempt, attempt=attempts[0], at=NOON)] * 4)

    assert {attempt.pk for attempt in attempts} == {Attempt.objects.get().pk}
    assert {attempt.state for attempt in graded} == {"passed"}
    assert AttemptResult.objects.count() == 1


def test_evidence_that_arrives_at_once_is_added_once_each() -> None:
    expert, skill = build.expert(), build.skill()

    def arrive() -> None:
        with transaction.atomic():
            record_evidence(
                expert=expert,
                skill=skill,
                source="gold",
                credit=1.0,
                subject_kind="task",
                subject_id=uuid7(),
                happened_at=NOON,
            )
        update_score(expert_id=expert.pk, skill_id=skill.pk, at=NOON)

    together([arrive] * 8)

    score = SkillScore.objects.get()
    assert score.n_events == 8
    assert score.right_weight == pytest.approx(8.0)
