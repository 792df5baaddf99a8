"""What is known about a person, as policies ask for it, and what a domain asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from marketplace.people.access import has_second_factor
from marketplace.people.models import ConsentRecord, Expert
from marketplace.people.selectors import current_document, has_consented
from vetting.models import Attempt, Credential, Domain, Qualification, RequirementPolicy, Skill
from vetting.models.attempts import ENDED
from vetting.models.credentials import PENDING
from vetting.policy import AssessmentFact, CredentialFact, Facts, Reason, Truth, evaluate

LONGEST_LIFE = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A skill of a domain with its policy and what the facts say to it."""

    skill: Skill
    policy: RequirementPolicy | None
    reason: Reason


def facts_about(expert: Expert, at: datetime) -> Facts:
    """Everything a policy may ask for, at that instant."""
    identity = "i1" if has_second_factor(expert.user) else "i0"
    return Facts(
        credentials=_credentials(expert, identity, at),
        identity=identity,
        assessments=_assessments(expert),
        qualifications=frozenset(
            Qualification.objects.filter(expert=expert, state="active", expires_at__gt=at)
            .values_list("skill__slug", "level")
            .order_by("skill__slug", "level")
        ),
        terms=_terms(expert, at),
    )


def weigh_domain(expert: Expert, domain: Domain, at: datetime) -> list[Weighed]:
    """What the facts say to the policy of each skill of the domain, for work (level 1).

    A skill without a published policy is undecided: two people may grant it, no rule does.
    """
    facts = facts_about(expert, at)
    weighed = []
    for skill in domain.skills.order_by("slug"):
        policy = current_policy(skill)
        reason = (
            evaluate(policy.expression, facts, at)
            if policy
            else Reason("undecided", "a decision by staff: no policy is published")
        )
        weighed.append(Weighed(skill, policy, reason))
    return weighed


def current_policy(skill: Skill, *, level: int = 1) -> RequirementPolicy | None:
    """The newest published policy of a skill and level, or None."""
    return skill.policies.filter(level=level).order_by("-version").first()


def qualification_end(expert: Expert, at: datetime) -> datetime:
    """When a qualification granted now ends: with the first credential to end, at most 2 years."""
    dates = (
        Credential.objects.filter(expert=expert, state="verified", valid_until__gt=at.date())
        .order_by("valid_until", "id")
        .values_list("valid_until", flat=True)
    )
    ends = [datetime.combine(date, time.min, tzinfo=UTC) for date in dates[:1] if date]
    return min([*ends, at + LONGEST_LIFE])


def _credentials(expert: Expert, identity: str, at: datetime) -> Sequence[CredentialFact]:
    found = []
    for each in Credential.objects.filter(expert=expert, state__in=["verified", *PENDING]):
        is_pending = each.state != "verified"
        if not is_pending and each.valid_until and each.valid_until <= at.date():
            continue
        # Licence numbers are public: official evidence counts fully only for a proofed person.
        assurance = each.assurance if identity == "i2" else min(each.assurance, "a2")
        since = each.decided_at or each.submitted_at or each.created_at
        found.append(CredentialFact(each.kind, assurance, each.jurisdiction, since, is_pending))
    return found


def _assessments(expert: Expert) -> dict[str, AssessmentFact]:
    """The best of the attempts at each test: passed, else running, else failed."""
    facts: dict[str, AssessmentFact] = {}
    attempts = Attempt.objects.filter(expert=expert).exclude(state__in=["voided", "abandoned"])
    rank = {"unmet": 0, "undecided": 1, "met": 2}
    for attempt in attempts.select_related("version", "assessment").order_by("number"):
        running = attempt.state not in ENDED
        truth: Truth = "met" if attempt.state == "passed" else "undecided" if running else "unmet"
        fact = AssessmentFact(truth, attempt.version.number)
        best = facts.get(attempt.assessment.slug)
        if best is None or rank[fact.truth] >= rank[best.truth]:
            facts[attempt.assessment.slug] = fact
    return facts


def _terms(expert: Expert, at: datetime) -> frozenset[str]:
    kinds = ConsentRecord.objects.filter(user=expert.user_id).values_list(
        "document__kind", flat=True
    )
    accepted = set()
    for kind in set(kinds):
        document = current_document(kind, at=at)
        if document is not None and has_consented(expert.user, document):
            accepted.add(kind)
    return frozenset(accepted)
