"""What routing reads, and who hears that it changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit import clock
from marketplace.kit.errors import InvalidInput
from marketplace.kit.states import IllegalTransition
from marketplace.people.models import Expert
from marketplace.people.services.deciding import NotYourDecision, Reason
from tests.vetting import build
from tests.vetting.build import DAY, NOON, WHY
from vetting.models import Qualification, Skill
from vetting.services.attempts import start_attempt
from vetting.services.qualifying import (
    expire_qualifications,
    grant_qualification,
    restore_qualification,
    revoke_qualification,
    suspend_qualification,
)
from vetting.signals import qualification_changed

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard() -> Iterator[list[object]]:
    experts: list[object] = []

    def hear(sender: object, expert_id: object, **_: object) -> None:
        experts.append(expert_id)

    qualification_changed.connect(hear)
    yield experts
    qualification_changed.disconnect(hear)


def granted(who: Expert | None = None, skill: Skill | None = None, **more: Any) -> Qualification:
    return grant_qualification(
        expert=who or build.expert(),
        skill=skill or build.skill(),
        basis={},
        expires_at=NOON + 100 * DAY,
        at=NOON,
        **more,
    )


def test_a_grant_is_heard_and_given_once(heard: list[object]) -> None:
    expert, skill = build.expert(), build.skill()

    first = granted(expert, skill)
    again = granted(expert, skill)
    other = granted(expert, skill, level=3)

    assert first == again != other
    assert heard == [expert.pk, expert.pk]


def test_a_suspension_has_a_human_a_reason_evidence_and_an_appeal(heard: list[object]) -> None:
    qualification, by = granted(), build.person()

    qualification = suspend_qualification(qualification=qualification, reason=WHY, by=by, at=NOON)

    decision = qualification.decision
    assert decision is not None
    assert (qualification.state, decision.adverse, decision.decided_by) == ("suspended", True, by)
    assert decision.appeal_until == NOON + 30 * DAY
    assert len(heard) == 2


def test_a_suspension_without_reasons_or_of_oneself_is_refused() -> None:
    qualification = granted()

    with pytest.raises(InvalidInput):
        suspend_qualification(
            qualification=qualification, reason=Reason("", "", []), by=build.person(), at=NOON
        )
    with pytest.raises(NotYourDecision):
        suspend_qualification(
            qualification=qualification, reason=WHY, by=qualification.expert.user, at=NOON
        )


def test_a_suspended_qualification_is_lifted_by_its_own_decision_only() -> None:
    qualification = granted()
    suspend_qualification(qualification=qualification, reason=WHY, by=build.person(), at=NOON)

    assert granted(qualification.expert, qualification.skill).state == "suspended"
    restored = restore_qualification(qualification=qualification, by=build.person(), at=NOON + DAY)

    assert restored.state == "active"


def test_a_revoked_qualification_is_over_and_may_be_earned_again() -> None:
    qualification = granted()
    qualification = revoke_qualification(
        qualification=qualification, reason=WHY, by=build.person(), at=NOON
    )

    with pytest.raises(IllegalTransition):
        restore_qualification(qualification=qualification, by=build.person(), at=NOON)
    assert granted(qualification.expert, qualification.skill).state == "active"


def test_qualifications_expire_at_their_hour_and_only_then(heard: list[object]) -> None:
    qualification = granted()

    assert expire_qualifications(at=NOON + 99 * DAY) == 0
    assert expire_qualifications(at=NOON + 100 * DAY) == 1

    qualification.refresh_from_db()
    assert (qualification.state, qualification.ended_at) == ("expired", NOON + 100 * DAY)
    assert qualification.decision is None
    assert len(heard) == 2


@pytest.mark.parametrize("state", ["suspended", "revoked"])
def test_the_database_refuses_an_adverse_state_without_its_decision(state: str) -> None:
    qualification = granted()
    ended = NOON if state == "revoked" else None

    with pytest.raises(IntegrityError, match="has_its_decision"), transaction.atomic():
        Qualification.objects.filter(pk=qualification.pk).update(state=state, ended_at=ended)


def test_the_scheduled_jobs_do_what_time_asks() -> None:
    qualification, document = granted(), build.verified_credential(build.expert()).documents.get()
    attempt = start_attempt(
        expert=build.expert(),
        assessment=build.assessment(build.skill(build.domain("law"))),
        at=NOON,
    )

    with clock.at(NOON + 200 * DAY):
        run_due_jobs()

    qualification.refresh_from_db()
    document.refresh_from_db()
    attempt.refresh_from_db()
    assert (attempt.state, attempt.ended_by) == ("failed", "timed_out")
    assert qualification.state == "expired"
    assert document.purged_at == NOON + 200 * DAY
