"""An expert's money: every amount, when it moves, what was taken and how to appeal."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils.html import strip_tags

from marketplace.kit import clock
from marketplace.people.models import Expert
from payouts.models import Earning, Proposal
from payouts.selectors.own_money import own_money
from payouts.services.clawing_back import make_clawback, propose_clawback
from tasks.services import reviewing
from tests import make
from tests.browser.pages import signed_in
from tests.make import NOON, usd
from tests.payouts import make as money

pytestmark = pytest.mark.django_db
MESSAGE = "Your answers to these forty tasks were copied from another person, word for word."


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)


def enter(who: Expert) -> Client:
    return signed_in(who.user)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", strip_tags(page.replace("<", " <")))


def taken() -> tuple[Earning, Expert]:
    who = money.owed(5000)
    money.send(money.approved_run())
    earning = Earning.objects.get(expert=who)
    row = propose_clawback(
        earning=earning,
        amount=usd(3000),
        reason="proven_fraud",
        message=MESSAGE,
        evidence=["Submission 12 equals submission 40."],
        by=money.user("Quinn Quality"),
        at=NOON,
    )
    make_clawback(clawback=row, by=money.user(), at=NOON)
    return earning, who


def test_work_under_review_and_in_hold_stand_apart() -> None:
    batch = make.open_batch(tasks=2, answers=1, price=usd(1800))
    ada = make.joined_expert(batch.project)
    decided = make.submitted(batch, by=ada)
    reviewing.approve(assignment=decided, by=batch.created_by, at=NOON)
    make.submitted(batch, by=ada)

    page = words(enter(ada).get("/earnings/").content.decode())

    assert "In review 18.00 USD 1 answer, at most" in page
    assert "In hold 18.00 USD Approved ; the first is free from" in page


def test_what_lacks_to_the_least_payout_is_said() -> None:
    who = money.expert()
    money.available(who, 400)

    found = own_money(who, at=NOON)["USD"]

    assert (found.minimum, found.missing) == (usd(1000), usd(600))
    assert "6.00 USD short of the least payout" in words(
        enter(who).get("/earnings/").content.decode()
    )


def test_what_was_taken_back_is_explained_and_can_be_appealed_once() -> None:
    earning, who = taken()
    client = enter(who)
    where = f"/earnings/{earning.pk}/"

    page = client.get(where).content.decode()
    assert MESSAGE in page
    assert "Submission 12 equals submission 40." in page
    assert "You owe 30.00 USD" in client.get("/earnings/").content.decode()
    assert where in client.get("/earnings/?state=taken_back").content.decode()
    assert where not in client.get("/earnings/?state=clawed_back").content.decode()
    act = f"/earnings/appeals/{earning.clawbacks.get().pk}/"
    client.post(act, {"why": "I wrote every one of them myself."})
    client.post(act, {"why": "I wrote every one of them myself."})

    assert Proposal.objects.get().why == "I wrote every one of them myself."
    assert "Somebody new decides." in client.get(where).content.decode()


def test_nobody_else_sees_an_amount_or_appeals_it() -> None:
    earning, _ = taken()
    eve = enter(money.expert())

    assert eve.get(f"/earnings/{earning.pk}/").status_code == 404
    act = f"/earnings/appeals/{earning.clawbacks.get().pk}/"
    assert eve.post(act, {"why": "Give it to me instead."}).status_code == 404
    assert str(earning.pk) not in eve.get("/earnings/all.csv").content.decode()


def test_an_earning_shows_what_its_measured_time_came_to() -> None:
    assignment = make.submitted(make.open_batch(tasks=1, answers=1, price=usd(1800)))
    type(assignment).objects.filter(pk=assignment.pk).update(active_seconds=600)
    assignment.refresh_from_db()
    reviewing.approve(assignment=assignment, by=assignment.batch.created_by, at=NOON)
    earning = Earning.objects.get()

    page = words(enter(assignment.expert).get(f"/earnings/{earning.pk}/").content.decode())
    table = enter(assignment.expert).get("/earnings/all.csv").content.decode().splitlines()

    assert "600 s, 108.00 USD/h" in page
    assert table[1].startswith(f"assignment,{assignment.pk},pending,")
    assert table[1].endswith(',600,1800,0,0,0,USD,"Which answer helps?, First"')
    assert earning.available_at - NOON == timedelta(hours=72)
