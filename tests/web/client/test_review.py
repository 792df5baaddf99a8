"""Judging work: one at a time, then on to the next; many at once only to approve."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from tasks.models import Assignment, Batch, Review
from tests import make
from tests.make import NOON, REASON
from tests.web.client.visit import at, member, owner_of, signed_in, words

pytestmark = pytest.mark.django_db


def _sent(count: int = 1, *, of: Batch | None = None) -> list[Assignment]:
    batch = of or make.open_batch(tasks=count, answers=1)
    later = (NOON - timedelta(hours=count - n) for n in range(count))
    return [make.submitted(batch, at=when) for when in later]


def test_queue_shows_what_silence_approves_first_with_its_date() -> None:
    first, second = _sent(2)
    client = first.project.organization

    page = words(owner_of(client).get(at(client, "review")))

    assert page.index(str(first.pk)) < page.index(str(second.pk))
    assert '<time datetime="2026-11-27T10:00:00+00:00" data-local>27 Nov 2026, 10:00 UTC' in page


def test_approval_goes_on_to_the_next_answer() -> None:
    first, second = _sent(2)
    client, browser = first.project.organization, owner_of(first.project.organization)

    response = browser.post(at(client, "decide", assignment_id=first.pk, verdict="approve"))
    last = browser.post(at(client, "decide", assignment_id=second.pk, verdict="approve"))

    first.refresh_from_db()
    assert first.state == "approved"
    assert response["Location"] == at(client, "review_item", assignment_id=second.pk)
    assert last["Location"] == at(client, "review")


def test_changes_parts_and_rejections_carry_what_was_written() -> None:
    sent = _sent(3)
    client, browser = sent[0].project.organization, owner_of(sent[0].project.organization)
    reason = {"category": "low_effort", "guideline_ref": "Rule 1", "message": REASON}

    def send(assignment: Assignment, verdict: str, values: Mapping[str, object]) -> int:
        url = at(client, "decide", assignment_id=assignment.pk, verdict=verdict)
        return browser.post(url, {f"{verdict}-{k}": v for k, v in values.items()}).status_code

    codes = {
        send(sent[0], "changes", {"message": "Say why."}),
        send(sent[1], "partly", {**reason, "percent": 40}),
        send(sent[2], "reject", reason),
    }

    states = [Assignment.objects.get(pk=each.pk).state for each in sent]
    assert codes == {302}
    assert states == ["changes_requested", "partially_approved", "rejected"]
    assert Review.objects.get(verdict="approve_partly").pay_percent == 40


def test_short_reason_is_refused_and_what_was_typed_stays() -> None:
    (sent,) = _sent()
    client = sent.project.organization
    values = {
        "reject-category": "low_effort",
        "reject-guideline_ref": "Rule 1",
        "reject-message": "Bad.",
    }

    response = owner_of(client).post(
        at(client, "decide", assignment_id=sent.pk, verdict="reject"), values
    )

    sent.refresh_from_db()
    assert response.status_code == 422
    assert sent.state == "awaiting_review"
    assert "needs 96 more characters" in words(response)
    assert 'value="Rule 1"' in words(response)
    assert "Bad.</textarea>" in words(response)


def test_answer_decided_meanwhile_is_not_decided_again() -> None:
    (sent,) = _sent()
    client, browser = sent.project.organization, owner_of(sent.project.organization)
    url = at(client, "decide", assignment_id=sent.pk, verdict="approve")
    browser.post(url)

    response = browser.post(url)

    assert response.status_code == 422
    assert "there is nothing to decide" in words(response)
    assert Review.objects.count() == 1


def test_marked_answers_are_approved_together() -> None:
    first, second, third = _sent(3)
    client, browser = first.project.organization, owner_of(first.project.organization)

    response = browser.post(
        at(client, "approve_many"), {"answer": [first.pk, third.pk, "nonsense"]}, follow=True
    )

    states = [Assignment.objects.get(pk=each.pk).state for each in (first, second, third)]
    assert states == ["approved", "awaiting_review", "approved"]
    assert "2 approved." in words(response)


def test_answers_of_other_clients_are_not_approved_along() -> None:
    (sent,) = _sent()
    other = make.organization()

    owner_of(other).post(at(other, "approve_many"), {"answer": [sent.pk]})

    sent.refresh_from_db()
    assert sent.state == "awaiting_review"


def test_viewers_see_the_answer_and_no_verdicts() -> None:
    (sent,) = _sent()
    client = sent.project.organization
    browser = signed_in(member(client, "viewer"))

    page = words(browser.get(at(client, "review_item", assignment_id=sent.pk)))
    refused = browser.post(at(client, "decide", assignment_id=sent.pk, verdict="approve"))

    assert "One answer says what it is, the other evades." in page
    assert 'data-hotkey="a"' not in page
    assert refused.status_code == 403


def test_queue_goes_on_where_its_page_ended() -> None:
    batch = make.open_batch(tasks=27, answers=1)
    ada = make.joined_expert(batch.project)
    for _ in range(27):
        make.submitted(batch, by=ada)
    client, browser = batch.project.organization, owner_of(batch.project.organization)

    first = browser.get(at(client, "review"))
    second = browser.get(at(client, "review") + first.context["page"].next_url)

    keys = [each.pk for answer in (first, second) for each in answer.context["page"].rows]
    assert (len(first.context["page"].rows), len(keys), len(set(keys))) == (25, 27, 27)
