"""What is known about a person, and what ends it."""

from __future__ import annotations

import pytest

from marketplace.people.models import LegalDocument
from marketplace.people.services.consenting import give_consent, publish_document
from tests.vetting import build
from tests.vetting.build import NOON
from vetting.selectors.facts import weigh_domain
from vetting.services.applications import apply, submit

pytestmark = pytest.mark.django_db
TEST = {"assessment": "reading"}


def test_accepted_terms_are_a_fact_until_a_newer_version_is_published() -> None:
    skill, expert = build.skill(), build.expert()
    build.policy(skill, {"terms": "confidentiality"})

    def publish() -> LegalDocument:
        return publish_document(
            kind="confidentiality",
            title="Confidentiality",
            body=f"Version {LegalDocument.objects.count() + 1}",
            effective_from=NOON,
            by=build.person(),
            at=NOON,
        )

    text = publish()
    give_consent(user=expert.user, document=text, shown_hash=text.sha256, channel="web", at=NOON)
    assert [each.reason.truth for each in weigh_domain(expert, skill.domain, NOON)] == ["met"]
    publish()

    assert [each.reason.truth for each in weigh_domain(expert, skill.domain, NOON)] == ["unmet"]


def test_a_failed_attempt_does_not_hide_an_earlier_pass() -> None:
    skill, expert = build.skill(), build.expert()
    build.policy(skill, {"any_of": [TEST, {"assessment": "second"}]})
    build.taken(expert, build.assessment(skill), rightly=True)
    build.taken(expert, build.assessment(skill, slug="second"), rightly=False)

    application = apply(expert=expert, domain=skill.domain, at=NOON)
    assert submit(application=application, at=NOON).state == "approved"
