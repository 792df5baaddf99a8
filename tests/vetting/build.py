"""Builders of this package's tests: through the verbs, with harmless defaults."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from PIL import Image

from marketplace.formats.rows import Row
from marketplace.kit.ids import uuid7
from marketplace.people.models import Expert, User
from marketplace.people.services.deciding import Reason
from marketplace.people.services.joining import add_user, create_expert
from vetting.models import Assessment, Attempt, Credential, Domain, Skill
from vetting.selectors.attempts import answered
from vetting.services.assessments import Rules, create_assessment, publish_version
from vetting.services.attempts import answer_question, start_attempt, submit_attempt
from vetting.services.catalogue import add_domain, add_skill
from vetting.services.credentials import (
    CHECKLIST,
    Verdict,
    decide_credential,
    draft_credential,
    submit_credential,
)
from vetting.services.documents import attach_document, open_document
from vetting.services.item_banks import import_items
from vetting.services.policies import publish_policy

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WHY = Reason(
    code="experience_too_thin",
    message="Your statement names no case work in the last five years, and the domain asks for at"
    " least one documented year of practice.",
    evidence=["statement"],
)
_numbers = count(1)


def person(name: str = "Sam Staff") -> User:
    return add_user(email=f"vetting{next(_numbers)}@example.org", name=name, password="pw", at=NOON)


def expert(name: str = "Ada Expert") -> Expert:
    return create_expert(
        user=person(name),
        country="DE",
        languages=["en"],
        time_zone="Europe/Berlin",
        display_name=name,
        at=NOON,
    )


def domain(slug: str = "medicine") -> Domain:
    return add_domain(slug=slug, name=slug.title(), by=person(), at=NOON)


def skill(of: Domain | None = None, ability: str = "preference") -> Skill:
    return add_skill(
        domain=of or domain(), ability=ability, name=ability.title(), by=person(), at=NOON
    )


def bank(size: int = 30) -> list[Row]:
    """Four options each, B is right; topics heart and lung by turns, bands in a cycle."""
    return [
        Row(
            n,
            {
                "prompt": f"Question {n}?",
                "options": [f"wrong {n}", f"right {n}", f"other {n}", f"last {n}"],
                "key": "B",
                "band": ("easy", "middle", "hard")[n % 3],
                "topic": ("heart", "lung")[n % 2],
            },
        )
        for n in range(1, size + 1)
    ]


def assessment(
    of: Skill | None = None, *, size: int = 30, slug: str = "reading", **rules: Any
) -> Assessment:
    test = create_assessment(skill=of or skill(), slug=slug, name="Reading", by=person(), at=NOON)
    import_items(assessment=test, rows=bank(size), by=person(), at=NOON)
    publish_version(assessment=test, rules=Rules(**rules), by=person(), at=NOON)
    return test


def answer(attempt: Attempt, *, rightly: bool, times: int = 99, at: datetime = NOON) -> int:
    """Answer until the test has asked enough, or so many times; how many answers it took."""
    for n in range(1, times + 1):
        current = answered(attempt)[-1].shown
        choices = [1] if rightly else [0]
        if (
            answer_question(attempt=attempt, position=current.position, choices=choices, at=at)
            is None
        ):
            return n
    return times


def taken(who: Expert, test: Assessment, *, rightly: bool, at: datetime = NOON) -> Attempt:
    attempt = start_attempt(expert=who, assessment=test, at=at)
    answer(attempt, rightly=rightly, at=at)
    return submit_attempt(attempt=attempt, at=at)


def picture(kind: str = "PNG", size: tuple[int, int] = (8, 8)) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, "white").save(written, format=kind)
    return written.getvalue()


def submitted_credential(who: Expert, kind: str = "licence", **more: Any) -> Credential:
    credential = draft_credential(
        expert=who, kind=kind, title="Physician", issuer="Medical board", at=NOON, **more
    )
    attach_document(credential=credential, content=picture(), at=NOON)
    return submit_credential(credential=credential, at=NOON)


def read(credential: Credential, *, by: User) -> None:
    for document in credential.documents.filter(purged_at=None):
        open_document(document=document, by=by, reason="to judge it", at=NOON)


def decided(
    credential: Credential, found: Verdict | None = None, *, by: User | None = None
) -> Credential:
    """Somebody opened every paper and gave this verdict."""
    by = by or person()
    read(credential, by=by)
    return decide_credential(credential=credential, verdict=found or verdict(), by=by, at=NOON)


def verdict(outcome: str = "verified", **more: Any) -> Verdict:
    return Verdict(outcome, dict.fromkeys(CHECKLIST, True), **more)


def verified_credential(who: Expert, **more: Any) -> Credential:
    return decided(submitted_credential(who, **more))


def policy(of: Skill, expression: dict[str, Any]) -> None:
    publish_policy(skill=of, expression=expression, by=person(), at=NOON)


def subject() -> object:
    return uuid7()
