"""What an expert reads of an appeal, before and after somebody new has decided."""

from __future__ import annotations

import pytest
from django.test import Client

from marketplace.kit import clock
from payouts.models import Proposal
from payouts.services.overturning import appeal_clawback
from payouts.services.proposing import approve, refuse
from tests.make import NOON
from tests.payouts import make as money
from tests.web.test_earnings_page import enter, taken, words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)


def appealed() -> tuple[Proposal, str, Client]:
    earning, who = taken()
    wanted = appeal_clawback(
        clawback=earning.clawbacks.get(), why="I wrote every one myself.", by=who.user, at=NOON
    )
    return wanted, f"/earnings/{earning.pk}/", enter(who)


def test_an_overturned_appeal_says_that_the_money_is_back() -> None:
    wanted, where, client = appealed()
    before = words(client.get(where).content.decode())

    approve(proposal=wanted, by=money.user(), at=NOON)

    after = words(client.get(where).content.decode())
    assert "You appealed on 20 Nov 2026. Somebody new decides." in before
    assert "It was overturned, and the money is yours again." in after


def test_an_upheld_appeal_says_why_and_offers_no_other() -> None:
    wanted, where, client = appealed()

    refuse(proposal=wanted, answer="Two of them match.", by=money.user(), at=NOON)

    page = words(client.get(where).content.decode())
    assert "You appealed on 20 Nov 2026. It was upheld: Two of them match." in page
    assert "You may appeal until" not in page
