"""Who sees which rows. Ada is the expert, Eve another one, Sam staff, Lin a client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from marketplace.organizations.services.founding import found_organization
from marketplace.people.models import StaffRole, User
from tests.vetting import build
from tests.vetting.build import NOON
from vetting import access
from vetting.services.applications import apply, submit
from vetting.services.documents import open_document
from vetting.services.scoring import update_score

pytestmark = pytest.mark.django_db
Visible: TypeAlias = Callable[..., QuerySet[Any]]  # Any: every model of the package
OWN: dict[Visible, set[str]] = {
    access.visible_credentials: {"vetting"},
    access.visible_verifications: {"vetting"},
    access.visible_documents: {"vetting"},
    access.visible_document_accesses: {"vetting", "auditor"},
    access.visible_attempts: {"vetting", "quality"},
    access.visible_attempt_items: {"vetting", "quality"},
    access.visible_responses: {"vetting", "quality"},
    access.visible_attempt_results: {"vetting", "quality"},
    access.visible_applications: {"vetting", "quality", "auditor"},
    access.visible_qualifications: {"vetting", "quality", "support", "auditor"},
    access.visible_quality_events: {"vetting", "quality"},
    access.visible_skill_scores: {"vetting", "quality"},
}
PUBLIC: list[Visible] = [
    access.visible_domains,
    access.visible_skills,
    access.visible_policies,
    access.visible_assessments,
    access.visible_assessment_versions,
]


def staff(role: str) -> User:
    sam = build.person("Sam Staff")
    sam.is_staff = True
    sam.save(update_fields=["is_staff"])
    StaffRole.objects.create(user=sam, role=role, granted_at=NOON)
    return sam


@pytest.fixture
def ada() -> User:
    """An expert with a row of every kind."""
    expert, skill = build.expert("Ada"), build.skill()
    build.policy(skill, {"credential": "licence"})
    credential = build.verified_credential(expert)
    document = credential.documents.get()
    open_document(document=document, by=build.person(), reason="case", at=NOON)
    build.taken(expert, build.assessment(skill), rightly=True)
    update_score(expert_id=expert.pk, skill_id=skill.pk, at=NOON)
    submit(application=apply(expert=expert, domain=skill.domain, at=NOON), at=NOON)
    return expert.user


def test_rows_about_a_person_are_seen_by_that_person_and_the_staff_named(ada: User) -> None:
    lin = build.person("Lin Client")
    found_organization(name="Lab", slug="lab", owner=lin, at=NOON)
    strangers = (build.expert("Eve").user, lin, AnonymousUser())
    sams = {role: staff(role) for role in ("vetting", "quality", "finance", "support", "auditor")}

    seen_by_self = {visible.__name__ for visible in OWN if visible(to=ada).exists()}
    leaks = [(v.__name__, who) for v in OWN for who in strangers if v(to=who).exists()]
    seen_by = {
        visible: {role for role, sam in sams.items() if visible(to=sam).exists()} for visible in OWN
    }

    assert seen_by_self == {visible.__name__ for visible in OWN}
    assert leaks == []
    assert seen_by == OWN


def test_what_is_asked_of_people_is_said_to_everybody(ada: User) -> None:
    assert all(visible(to=AnonymousUser()).exists() for visible in PUBLIC)


def test_questions_with_keys_are_seen_by_vetting_and_quality_only(ada: User) -> None:
    assert not access.visible_items(to=ada).exists()
    assert not access.visible_items(to=staff("finance")).exists()
    assert access.visible_items(to=staff("vetting")).count() == 30
