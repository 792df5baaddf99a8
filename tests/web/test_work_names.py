"""Pay is named by project and batch, on pages and in files, for experts and for staff."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.kit import clock
from marketplace.people.models import Expert
from payouts.models import Earning, Payout
from payouts.services import rounds, stating
from tasks.services import reviewing
from tests import make
from tests.browser.pages import signed_in
from tests.browser.world import pay_out
from tests.make import NOON, usd
from tests.payouts import make as money
from tests.web.staff import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def approved(monkeypatch: pytest.MonkeyPatch) -> Earning:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    batch = make.open_batch(tasks=1, answers=1, price=usd(1800))
    sent = make.submitted(batch)
    reviewing.approve(assignment=sent, by=batch.created_by, at=NOON)
    return Earning.objects.select_related("expert").get(key=f"assignment:{sent.pk}")


def name_of(earning: Earning) -> str:
    batch = earning.expert.assignments.get().batch
    return f"{batch.project.title}, {batch.name}"


def enter(who: Expert) -> Client:
    return signed_in(who.user)


def test_the_file_of_all_amounts_names_the_work(approved: Earning) -> None:
    found = enter(approved.expert).get(reverse("earnings_csv")).content.decode()

    (row,) = csv.DictReader(io.StringIO(found))
    assert (row["for"], row["work"]) == ("assignment", name_of(approved))
    assert approved.key.endswith(row["key"])


def test_a_statement_names_the_work_on_its_page_and_in_its_table(approved: Earning) -> None:
    rounds.post_earnings(at=NOON)
    paper = stating.make_statement(
        currency="USD", expert=approved.expert, month=NOON.date(), at=NOON + timedelta(days=40)
    )
    assert paper is not None
    client = enter(approved.expert)

    page = client.get(reverse("statement", args=[paper.pk])).content.decode()
    table = b"".join(client.get(reverse("statement_file", args=[paper.pk, "csv"])))
    kept = client.get(reverse("statement_file", args=[paper.pk, "json"])).content

    assert name_of(approved) in page
    assert name_of(approved) in table.decode()
    assert kept == paper.canonical


def test_staff_read_what_a_payout_and_a_clawback_are_for(approved: Earning) -> None:
    pay_out(approved.expert, by=money.user(), checker=money.user())
    client = cast.enter(cast.staff("finance"))

    pages = [
        client.get(reverse("staff:payout", args=[Payout.objects.get().pk])),
        client.get(reverse("staff:propose_clawback", args=[approved.pk])),
    ]

    assert [name_of(approved) in each.content.decode() for each in pages] == [True, True]
