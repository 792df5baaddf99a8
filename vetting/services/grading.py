"""Grading closed tests: the verdict of the rules, kept with its trace, and what follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.states import require_transition
from marketplace.people.services.deciding import APPEAL_FOR, Reason, Subject, record_decision
from marketplace.quality.ability import PASS_AT_END, Verdict
from vetting.models import Attempt, AttemptResult
from vetting.models.attempts import TRANSITIONS
from vetting.selectors.attempts import Answered, verdict_on
from vetting.services.scoring import Finding, record_findings
from vetting.services.settling import reconsider_applications

ENGINE = "sequential-3pl-1"
MOST_EVIDENCE = 20  # at .5 each: a test seeds a score with 10 answers at most, it does not crown


@transaction.atomic
def grade_attempt(*, attempt: Attempt, answers: Sequence[Answered], at: datetime) -> Attempt:
    """Pass or fail an ended attempt. A pass seeds the skill score; a fail takes nothing away.

    Fewer answers than the test's minimum fail, however good: time out is no short cut.
    """
    require_transition(TRANSITIONS, attempt, "in_grading")
    attempt.state = "in_grading"
    verdict = verdict_on(attempt, answers)
    given = [each for each in answers if each.choices is not None]
    outcome = _outcome(attempt, verdict, len(given))
    require_transition(TRANSITIONS, attempt, outcome)
    attempt.state = outcome
    attempt.save(update_fields=["state"])
    _keep_result(attempt, verdict, given, at)
    if outcome == "passed":
        _seed_score(attempt, given, at)
    else:
        _explain_fail(attempt, given, at)
    record(
        f"attempt.{outcome}",
        at=at,
        object_kind="attempt",
        object_id=attempt.pk,
        expert=attempt.expert_id,
        data={"assessment": str(attempt.assessment_id), "answers": len(given)},
    )
    reconsider_applications(expert=attempt.expert, at=at)
    return attempt


def _outcome(attempt: Attempt, verdict: Verdict, n_given: int) -> str:
    if n_given < attempt.version.minimum or verdict.status == "fail":
        return "failed"
    if verdict.status == "pass" or verdict.probability_above_cut >= PASS_AT_END:
        return "passed"
    return "failed"


def _keep_result(
    attempt: Attempt, verdict: Verdict, given: Sequence[Answered], at: datetime
) -> None:
    AttemptResult.objects.create(
        attempt=attempt,
        outcome=attempt.state,
        probability=verdict.probability_above_cut,
        mean=verdict.mean,
        sd=verdict.sd,
        n_right=sum(each.is_right for each in given),
        n_answered=len(given),
        topics=_by_topic(given),
        trace=[[str(each.item.pk), each.is_right] for each in given],
        engine=ENGINE,
        graded_at=at,
    )


def _by_topic(given: Sequence[Answered]) -> dict[str, dict[str, int]]:
    asked = Counter(each.item.topic for each in given)
    right = Counter(each.item.topic for each in given if each.is_right)
    return {topic: {"right": right[topic], "asked": n} for topic, n in sorted(asked.items())}


def _seed_score(attempt: Attempt, given: Sequence[Answered], at: datetime) -> None:
    record_findings(
        expert=attempt.expert,
        skill=attempt.assessment.skill,
        source="test",
        findings=[
            Finding(1.0 if each.is_right else 0.0, "attempt_item", each.shown.pk)
            for each in given[:MOST_EVIDENCE]
        ],
        happened_at=at,
        at=at,
    )


def _explain_fail(attempt: Attempt, given: Sequence[Answered], at: datetime) -> None:
    """A rule records it, by content area and never by question; it can be appealed."""
    areas = _by_topic(given)
    weak = sorted(areas, key=lambda topic: (areas[topic]["right"] / areas[topic]["asked"], topic))
    names = ", ".join(topic.replace("-", " ") for topic in weak[:3])
    record_decision(
        kind="assessment.failed",
        subject=Subject("attempt", attempt.pk, attempt.expert),
        reason=Reason(
            code="below_the_cut" if given else "no_answers",
            message=f"This time it was not enough. Look again at: {names}."
            if names
            else "No answer was saved before the time was up.",
            evidence=[{"topic": topic, **areas[topic]} for topic in areas],
        ),
        at=at,
        appeal_until=at + APPEAL_FOR,
    )
