"""From asking for a domain to being qualified in it, or told why not."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction

from marketplace.events.models import Event
from marketplace.kit.errors import InvalidInput
from marketplace.kit.states import IllegalTransition
from marketplace.people.models import DecisionRecord, Expert
from marketplace.people.services.deciding import NotYourDecision, Reason
from tests.vetting import build
from tests.vetting.build import DAY, NOON, WHY
from vetting.models import Application, Qualification, Skill
from vetting.services.applications import (
    AlreadyApplied,
    CheckRunning,
    FactsMissing,
    NothingProposed,
    apply,
    confirm_decision,
    drop_proposal,
    propose_decision,
    submit,
    take_from_waitlist,
    waitlist,
    withdraw,
)
from vetting.services.catalogue import NameTaken, add_domain, add_skill, regulate_domain
from vetting.services.credentials import Registry, withdraw_credential

pytestmark = pytest.mark.django_db
TEST, LICENCE = {"assessment": "reading"}, {"credential": "licence"}


def applied(skill: Skill, who: Expert | None = None) -> Application:
    application = apply(expert=who or build.expert(), domain=skill.domain, at=NOON)
    return submit(application=application, at=NOON)


def _shape(application: Application) -> tuple[bool, bool]:
    decision = application.decision
    assert decision is not None
    return decision.automated, decision.adverse


def in_review(who: Expert | None = None) -> Application:
    """An application of somebody who meets everything, in a regulated domain."""
    skill, expert = build.skill(), who or build.expert()
    regulate_domain(domain=skill.domain, by=build.person(), at=NOON)
    build.policy(skill, LICENCE)
    build.verified_credential(expert)
    return applied(skill, expert)


def test_whoever_meets_the_policy_is_approved_and_qualified_at_once() -> None:
    skill, expert = build.skill(), build.expert()
    build.policy(skill, TEST)
    build.taken(expert, build.assessment(skill), rightly=True)

    application = applied(skill, expert)

    qualification = Qualification.objects.get()
    assert application.state == "approved"
    assert _shape(application) == (True, False)
    assert (qualification.expert, qualification.skill, qualification.level) == (expert, skill, 1)
    assert qualification.state == "active"
    assert qualification.basis == {"truth": "met", "asks": "the test reading passed"}
    assert qualification.expires_at == NOON + 730 * DAY


def test_a_missing_fact_is_no_refusal_and_the_test_opens_the_door_by_itself() -> None:
    skill, expert = build.skill(), build.expert()
    build.policy(skill, TEST)

    application = applied(skill, expert)
    assert application.state == "not_eligible_yet"
    assert application.missing == ["the test reading passed"]
    assert not DecisionRecord.objects.exists()
    build.taken(expert, build.assessment(skill), rightly=True)

    application.refresh_from_db()
    assert (application.state, application.missing) == ("approved", [])
    assert Qualification.objects.count() == 1


def test_a_failed_test_leaves_the_application_open() -> None:
    skill, expert = build.skill(), build.expert()
    build.policy(skill, TEST)
    application = applied(skill, expert)

    build.taken(expert, build.assessment(skill), rightly=False)

    application.refresh_from_db()
    assert application.state == "not_eligible_yet"


def test_a_check_that_still_runs_keeps_the_application_waiting() -> None:
    skill, expert = build.skill(), build.expert()
    build.policy(skill, LICENCE)
    credential = build.submitted_credential(expert)

    application = applied(skill, expert)
    assert application.state == "submitted"
    build.decided(credential)

    application.refresh_from_db()
    assert application.state == "approved"


def test_a_qualification_ends_with_the_credential_it_rests_on() -> None:
    skill, expert = build.skill(), build.expert()
    build.policy(skill, LICENCE)
    build.verified_credential(expert, valid_until=date(2027, 3, 1))

    applied(skill, expert)

    assert Qualification.objects.get().expires_at == datetime(2027, 3, 1, tzinfo=UTC)


def test_an_expired_credential_opens_nothing() -> None:
    skill, expert = build.skill(), build.expert()
    build.policy(skill, LICENCE)
    build.verified_credential(expert, valid_until=date(2026, 11, 20))

    assert applied(skill, expert).state == "not_eligible_yet"


def test_a_registry_look_up_counts_as_official_only_for_a_proofed_person() -> None:
    skill, expert = build.skill(), build.expert()
    build.policy(skill, LICENCE | {"min_a": "a3"})
    seen = build.verdict(registry=Registry("https://board.example/1", NOON.date(), "A. Expert"))
    credential = build.decided(build.submitted_credential(expert), seen)

    assert credential.assurance == "a3"
    assert applied(skill, expert).state == "not_eligible_yet"


def test_each_skill_of_a_domain_is_granted_by_its_own_policy() -> None:
    easy, expert = build.skill(), build.expert()
    hard = build.skill(easy.domain, "classification")
    build.policy(easy, LICENCE)
    build.policy(hard, TEST)
    build.verified_credential(expert)

    application = applied(easy, expert)

    assert application.state == "approved"
    assert [each.skill for each in Qualification.objects.all()] == [easy]


def test_a_skill_without_a_policy_is_granted_by_two_people_only() -> None:
    application = applied(build.skill())
    assert (application.state, Qualification.objects.count()) == ("submitted", 0)

    propose_decision(application=application, outcome="approved", by=build.person(), at=NOON)
    application = confirm_decision(application=application, by=build.person(), at=NOON)

    assert application.state == "approved"
    assert Qualification.objects.count() == 1


def test_in_a_regulated_domain_two_people_approve() -> None:
    application = in_review()
    assert (application.state, Qualification.objects.count()) == ("in_review", 0)
    proposer, confirmer = build.person(), build.person()

    propose_decision(application=application, outcome="approved", by=proposer, at=NOON)
    application = confirm_decision(application=application, by=confirmer, at=NOON + DAY)

    decision = application.decision
    assert decision is not None
    assert (application.state, application.decided_at) == ("approved", NOON + DAY)
    assert (decision.proposed_by, decision.confirmed_by) == (proposer, confirmer)
    assert application.proposed_outcome == ""
    assert Qualification.objects.get().application == application


def test_nobody_confirms_their_own_proposal() -> None:
    application, proposer = in_review(), build.person()
    propose_decision(application=application, outcome="approved", by=proposer, at=NOON)

    with pytest.raises(NotYourDecision):
        confirm_decision(application=application, by=proposer, at=NOON)


def test_the_applicant_neither_proposes_nor_confirms() -> None:
    expert = build.expert()
    application = in_review(expert)

    with pytest.raises(NotYourDecision):
        propose_decision(application=application, outcome="approved", by=expert.user, at=NOON)
    propose_decision(application=application, outcome="approved", by=build.person(), at=NOON)
    with pytest.raises(NotYourDecision):
        confirm_decision(application=application, by=expert.user, at=NOON)


def test_a_decline_has_two_people_a_reason_evidence_and_an_appeal_clock() -> None:
    application = in_review()
    proposer, confirmer = build.person(), build.person()

    propose_decision(application=application, outcome="declined", by=proposer, reason=WHY, at=NOON)
    application = confirm_decision(application=application, by=confirmer, at=NOON)

    decision = application.decision
    assert decision is not None
    assert (application.state, decision.adverse, decision.automated) == ("declined", True, False)
    assert (decision.reason_code, decision.evidence) == (WHY.code, ["statement"])
    assert decision.appeal_until == NOON + 30 * DAY
    assert not Qualification.objects.exists()


@pytest.mark.parametrize(
    "reason",
    [
        Reason("", WHY.message, WHY.evidence),
        Reason(WHY.code, "Too short to be any help.", WHY.evidence),
        Reason(WHY.code, WHY.message, []),
    ],
    ids=["no code", "99 characters and fewer", "no evidence"],
)
def test_a_decline_without_its_reasons_is_refused(reason: Reason) -> None:
    application = in_review()

    with pytest.raises(InvalidInput):
        propose_decision(
            application=application, outcome="declined", by=build.person(), reason=reason, at=NOON
        )


def test_nobody_approves_over_a_missing_fact() -> None:
    skill = build.skill()
    application = applied(skill)
    build.policy(skill, TEST)

    with pytest.raises(FactsMissing):
        propose_decision(application=application, outcome="approved", by=build.person(), at=NOON)


def test_nobody_approves_while_a_check_runs() -> None:
    skill, expert = build.skill(), build.expert()
    build.policy(skill, LICENCE)
    credential = build.submitted_credential(expert)
    application = applied(skill, expert)

    with pytest.raises(CheckRunning, match="Still being checked: a verified licence"):
        propose_decision(application=application, outcome="approved", by=build.person(), at=NOON)
    build.decided(credential)

    application.refresh_from_db()
    assert application.state == "approved"


def test_a_check_that_begins_after_the_proposal_stops_the_approval() -> None:
    expert = build.expert()
    application = in_review(expert)
    propose_decision(application=application, outcome="approved", by=build.person(), at=NOON)
    withdraw_credential(credential=expert.credentials.get(), at=NOON)
    build.submitted_credential(expert)

    with pytest.raises(CheckRunning):
        confirm_decision(application=application, by=build.person(), at=NOON)

    assert not Qualification.objects.exists()


def test_without_a_proposal_there_is_nothing_to_confirm() -> None:
    application = in_review()

    with pytest.raises(NothingProposed):
        confirm_decision(application=application, by=build.person(), at=NOON)
    propose_decision(application=application, outcome="approved", by=build.person(), at=NOON)
    drop_proposal(application=application, by=build.person(), at=NOON)
    with pytest.raises(NothingProposed):
        confirm_decision(application=application, by=build.person(), at=NOON)


def test_an_application_that_is_decided_is_not_decided_again() -> None:
    application = in_review()
    propose_decision(application=application, outcome="approved", by=build.person(), at=NOON)
    confirm_decision(application=application, by=build.person(), at=NOON)

    with pytest.raises(NothingProposed):
        propose_decision(application=application, outcome="approved", by=build.person(), at=NOON)


def test_one_application_per_domain_is_open() -> None:
    skill, expert = build.skill(), build.expert()
    first = applied(skill, expert)

    with pytest.raises(AlreadyApplied):
        apply(expert=expert, domain=skill.domain, at=NOON)
    withdraw(application=first, at=NOON)

    assert apply(expert=expert, domain=skill.domain, at=NOON).state == "draft"


def test_a_waitlist_keeps_everything_and_opens_again() -> None:
    application = waitlist(
        application=in_review(), message="We have enough cardiologists.", by=build.person(), at=NOON
    )
    assert (application.state, _shape(application)) == ("waitlisted", (False, False))

    application = take_from_waitlist(application=application, by=build.person(), at=NOON + DAY)
    propose_decision(application=application, outcome="approved", by=build.person(), at=NOON + DAY)
    application = confirm_decision(application=application, by=build.person(), at=NOON + DAY)

    assert application.state == "approved"


def test_a_withdrawn_application_stays_withdrawn() -> None:
    application = withdraw(application=in_review(), at=NOON)

    with pytest.raises(IllegalTransition) as refused:
        submit(application=application, at=NOON)

    assert refused.value.data["allowed"] == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"state": "declined"}, "decided_application_has_its_decision"),
        ({"state": "not_eligible_yet"}, "application_not_eligible_yet_says_what_is_missing"),
        ({"proposed_outcome": "approved"}, "proposal_is_whole_and_waits_in_review"),
        ({"state": "lost"}, "application_state_is_known"),
    ],
)
def test_the_database_refuses_an_application_that_contradicts_itself(
    change: dict[str, object], rule: str
) -> None:
    application = in_review()

    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        Application.objects.filter(pk=application.pk).update(**change)


def test_names_in_the_catalogue_are_taken_once() -> None:
    skill = build.skill()

    with pytest.raises(NameTaken):
        add_domain(slug=skill.domain.slug, name="Again", by=build.person(), at=NOON)
    with pytest.raises(NameTaken):
        add_skill(domain=skill.domain, ability=skill.ability, name="x", by=build.person(), at=NOON)
    assert skill.slug == "medicine.preference"


def test_what_happened_to_an_application_is_told_in_order() -> None:
    application = in_review()
    propose_decision(application=application, outcome="approved", by=build.person(), at=NOON)
    confirm_decision(application=application, by=build.person(), at=NOON)

    told = Event.objects.filter(object_id=application.pk).order_by("id")
    assert [event.kind for event in told] == [
        "application.drafted",
        "application.submitted",
        "application.in_review",
        "application.decision_proposed",
        "application.approved",
    ]


def test_a_fact_lost_between_proposal_and_confirmation_stops_the_approval() -> None:
    expert = build.expert()
    application = in_review(expert)
    propose_decision(application=application, outcome="approved", by=build.person(), at=NOON)
    withdraw_credential(credential=expert.credentials.get(), at=NOON)

    with pytest.raises(FactsMissing):
        confirm_decision(application=application, by=build.person(), at=NOON)

    assert not Qualification.objects.exists()


def test_an_application_that_still_waits_for_a_check_can_be_waitlisted() -> None:
    application = waitlist(
        application=applied(build.skill()), message="Enough for now.", by=build.person(), at=NOON
    )

    assert application.state == "waitlisted"
