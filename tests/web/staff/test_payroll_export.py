"""Voiding exported payroll on the pages: finance asks, another decides, the employer reads it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from payouts.models import PayrollExport, Proposal
from tests.browser.pages import signed_in
from tests.make import NOON
from tests.payouts.test_payroll_voiding import two
from tests.web.staff import cast
from tests.web.test_earnings_page import words

pytestmark = pytest.mark.django_db


def test_chosen_lines_are_voided_and_the_employer_reads_whom_not_to_pay() -> None:
    lab, export, one, other = two()
    fay, kim = cast.staff("finance"), cast.staff("finance", name="Kim Checker")
    url = reverse("staff:payroll_export", args=[export.pk])
    line = export.lines.get(expert=one)

    asked = cast.enter(fay).post(
        reverse("staff:void_payroll", args=[export.pk]),
        {"line": [str(line.pk)], "why": "She left the company."},
        follow=True,
    )
    row = Proposal.objects.get()
    cast.enter(kim).post(reverse("staff:decide_proposal", args=[row.pk, "approve"]))

    assert "Waits for a second person" in cast.text(asked)
    page = cast.text(cast.enter(fay).get(url))
    assert "void" in page
    assert "12.50 USD" in cast.text(cast.enter(fay).get(reverse("staff:payroll")))
    owner = cast.staff("support", name="Olive Owner")
    lab.memberships.create(user=owner, role="owner", joined_at=NOON)
    client = words(
        signed_in(owner).get(reverse("client:payroll", args=[lab.slug])).content.decode()
    )
    assert f"Do not pay: {one.pseudonym} (30.00 USD)" in client
    assert "1 person" in client
    assert other.pseudonym not in client


def test_all_of_it_is_asked_for_at_once() -> None:
    _, export, *_ = two()

    cast.enter(cast.staff("finance")).post(
        reverse("staff:void_payroll", args=[export.pk]),
        {"all": "1", "why": "The company is gone."},
    )

    assert Proposal.objects.get().terms["people"] == 2


def test_nothing_chosen_is_said() -> None:
    _, export, *_ = two()

    said = cast.enter(cast.staff("finance")).post(
        reverse("staff:void_payroll", args=[export.pk]), {"why": "She left us."}, follow=True
    )

    assert "Choose lines of this payroll that are not void yet." in cast.text(said)


def test_who_belongs_to_the_employer_does_not_ask() -> None:
    lab, export, *_ = two()
    fay = cast.staff("finance")
    lab.memberships.create(user=fay, role="viewer", joined_at=NOON)

    answer = cast.enter(fay).post(
        reverse("staff:void_payroll", args=[export.pk]), {"all": "1", "why": "The company is gone."}
    )

    assert answer.status_code == 403
    assert not Proposal.objects.exists()
    assert PayrollExport.objects.get().state == "exported"
