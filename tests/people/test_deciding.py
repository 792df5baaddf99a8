"""Decisions about people: by whom, why, and until when they may be appealed."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError

from marketplace.events.models import Event
from marketplace.kit.errors import InvalidInput
from marketplace.people.models import DecisionRecord
from marketplace.people.services.deciding import (
    NotYourDecision,
    Reason,
    Subject,
    record_adverse_decision,
    record_decision,
)
from tests.people import make
from tests.people.make import NOON

pytestmark = pytest.mark.django_db
APPLICATION = UUID("01939f5e-0000-7000-8000-000000000003")
REASON = Reason(code="too_little", message="Two answers of ten were right.", evidence=["2 of 10"])


def test_adverse_decision_can_be_appealed_for_thirty_days() -> None:
    ada, sam = make.expert(), make.user()

    decision = record_adverse_decision(
        kind="application.declined",
        subject=Subject("application", APPLICATION, ada),
        reason=REASON,
        decided_by=sam,
        at=NOON,
    )

    assert (decision.adverse, decision.automated) == (True, False)
    assert decision.appeal_until == NOON + timedelta(days=30)
    event = Event.objects.get(kind="decision.recorded")
    assert (event.expert, event.data["reason_code"]) == (ada.pk, "too_little")
    assert "Two answers" not in str(event.data)


@pytest.mark.parametrize(
    "reason",
    [
        Reason(code="", message="No.", evidence=["x"]),
        Reason(code="x", message=" ", evidence=["x"]),
        Reason(code="x", message="No.", evidence=[]),
    ],
)
def test_adverse_decision_without_a_full_reason_is_refused(reason: Reason) -> None:
    sam = make.user()

    with pytest.raises(InvalidInput):
        record_adverse_decision(
            kind="application.declined",
            subject=Subject("application", APPLICATION),
            reason=reason,
            decided_by=sam,
            at=NOON,
        )


def test_rule_may_say_yes() -> None:
    decision = record_decision(
        kind="application.approved", subject=Subject("application", APPLICATION), at=NOON
    )

    assert (decision.automated, decision.adverse, decision.decided_by) == (True, False, None)


def test_confirmer_is_kept_beside_the_proposer() -> None:
    sam, kim = make.user(), make.user()

    decision = record_decision(
        kind="application.approved",
        subject=Subject("application", APPLICATION),
        at=NOON,
        decided_by=kim,
        proposed_by=sam,
    )

    assert (decision.proposed_by, decision.confirmed_by, decision.decided_by) == (sam, kim, kim)


def test_nobody_confirms_their_own_proposal() -> None:
    sam = make.user()

    with pytest.raises(NotYourDecision):
        record_adverse_decision(
            kind="application.declined",
            subject=Subject("application", APPLICATION),
            reason=REASON,
            decided_by=sam,
            proposed_by=sam,
            at=NOON,
        )


def test_nobody_decides_about_themselves() -> None:
    ada = make.expert()

    with pytest.raises(NotYourDecision):
        record_decision(
            kind="application.approved",
            subject=Subject("application", APPLICATION, ada),
            at=NOON,
            decided_by=ada.user,
        )


ADVERSE = {
    "kind": "application.declined",
    "adverse": True,
    "automated": False,
    "subject_kind": "application",
    "subject_id": APPLICATION,
    "reason_code": "too_little",
    "message": "No.",
    "evidence": ["2 of 10"],
    "decided_at": NOON,
    "appeal_until": NOON + timedelta(days=30),
}


@pytest.mark.parametrize(
    "hole",
    [
        {"reason_code": ""},
        {"message": ""},
        {"evidence": []},
        {"appeal_until": None},
        {"appeal_until": NOON},
    ],
)
def test_database_refuses_an_adverse_row_with_a_hole(hole: dict[str, object]) -> None:
    sam = make.user()

    with pytest.raises(
        IntegrityError, match="adverse_decision_has_human_reason_evidence_and_clock"
    ):
        DecisionRecord.objects.create(**(ADVERSE | {"decided_by": sam} | hole))


def test_database_refuses_an_adverse_row_by_rule() -> None:
    with pytest.raises(
        IntegrityError, match="adverse_decision_has_human_reason_evidence_and_clock"
    ):
        DecisionRecord.objects.create(**(ADVERSE | {"automated": True}))


def test_database_refuses_one_person_as_proposer_and_confirmer() -> None:
    sam = make.user()
    row = ADVERSE | {"decided_by": sam, "proposed_by": sam, "confirmed_by": sam}

    with pytest.raises(IntegrityError, match="proposer_and_confirmer_differ"):
        DecisionRecord.objects.create(**row)


def test_database_refuses_a_confirmer_who_did_not_decide() -> None:
    sam, kim, eve = make.user(), make.user(), make.user()
    row = ADVERSE | {"decided_by": eve, "proposed_by": sam, "confirmed_by": kim}

    with pytest.raises(IntegrityError, match="confirmer_confirms_a_proposal_and_decides"):
        DecisionRecord.objects.create(**row)
