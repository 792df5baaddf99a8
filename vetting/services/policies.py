"""What a skill asks for."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.people.models import User
from vetting.models import RequirementPolicy, Skill
from vetting.policy import Expression, check_expression
from vetting.selectors.facts import current_policy


@transaction.atomic
def publish_policy(
    *, skill: Skill, expression: Expression, by: User, at: datetime, level: int = 1
) -> RequirementPolicy:
    """Publish the next version; standing qualifications keep theirs. Raises InvalidPolicy."""
    check_expression(expression)
    Skill.objects.select_for_update().get(pk=skill.pk)
    former = current_policy(skill, level=level)
    policy = RequirementPolicy.objects.create(
        skill=skill,
        level=level,
        version=former.version + 1 if former else 1,
        expression=expression,
        published_by=by,
        published_at=at,
    )
    record(
        "policy.published",
        at=at,
        object_kind="policy",
        object_id=policy.pk,
        actor=by.pk,
        data={"skill": skill.slug, "level": level, "version": policy.version},
    )
    return policy
