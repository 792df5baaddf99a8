"""What waits for finance stands on the start page and on the overview, and green means nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse

from payouts.models import Earning, Payout
from payouts.selectors.overview import pulse
from payouts.services import pausing, reconciling
from payouts.services.clawing_back import propose_clawback
from payouts.services.holding import hold_payout
from payouts.services.releasing import propose_release
from tests import make
from tests.browser.payments import ask, entered
from tests.make import NOON, usd
from tests.payouts import make as money
from tests.payouts.rails import exported
from tests.web.staff import cast

pytestmark = pytest.mark.django_db
GREEN = "Nothing waits for a person"
MESSAGE = "Your answers to these forty tasks were copied from another person, word for word."
WHY = "The expert answered our question."
DAY = timedelta(days=1)


def _wire() -> None:
    entered(make.organization(), make.user())


def _refund() -> None:
    client = make.organization()
    money.paid_funding(client, usd(10_000))
    ask(client, 3_000)


def _second_person() -> None:
    payout = cast.payout_of(cast.closed_run(make.user()))
    hold_payout(payout=payout, why=WHY, by=make.user().pk, at=NOON)
    propose_release(payout=payout, why=WHY, by=make.user(), at=NOON)


def _clawback() -> None:
    earning = Earning.objects.get(expert=money.owed(5000))
    propose_clawback(
        earning=earning,
        amount=usd(300),
        reason="proven_fraud",
        message=MESSAGE,
        evidence=[WHY],
        by=make.user(),
        at=NOON,
    )


WAITS: dict[str, Callable[[], object]] = {
    "Bank transfers to confirm": _wire,
    "Refunds to decide": _refund,
    "For a second person": _second_person,
    "Clawbacks to decide": _clawback,
    "Held payouts": _second_person,
    "Runs to approve": lambda: cast.closed_run(make.user()),
}


@pytest.mark.parametrize("title", WAITS)
def test_what_waits_is_named_on_both_pages_and_takes_the_green_away(title: str) -> None:
    client = cast.enter(cast.staff("finance"))
    reconciling.reconcile(at=NOON)
    before = cast.text(client.get(reverse("staff:money")))

    WAITS[title]()

    after = cast.text(client.get(reverse("staff:money")))
    start = client.get(reverse("staff:queues")).context["queues"]
    assert (GREEN in before, GREEN in after) == (True, False)
    assert title in after
    assert {each.title: each.count for each in start}[title] == 1


def test_nothing_is_green_before_the_first_comparison_or_while_all_is_paused() -> None:
    fay = cast.staff("finance")
    client = cast.enter(fay)
    fresh = cast.text(client.get(reverse("staff:money")))

    reconciling.reconcile(at=NOON)
    pausing.pause_payments(why="Stripe is being looked at.", by=fay, at=NOON)

    paused = cast.text(client.get(reverse("staff:money")))
    assert (GREEN in fresh, GREEN in paused) == (False, False)
    assert "Not compared with Stripe yet" in fresh


def test_who_asked_is_not_told_to_decide() -> None:
    fay, kim = cast.staff("finance"), cast.staff("finance", name="Kim Checker")
    entered(make.organization(), fay)

    counts = [
        {each.title: each.count for each in found.context["queues"]}["Bank transfers to confirm"]
        for found in (cast.enter(who).get(reverse("staff:queues")) for who in (fay, kim))
    ]

    assert counts == [0, 1]


def test_a_held_payout_waits_from_its_hold() -> None:
    payout = cast.payout_of(cast.closed_run(make.user()))
    Payout.objects.filter(pk=payout.pk).update(reserved_at=NOON - 9 * DAY)
    hold_payout(payout=payout, why=WHY, by=make.user().pk, at=NOON)

    found = cast.enter(cast.staff("finance")).get(reverse("staff:queues")).context["queues"]

    (held,) = [each for each in found if each.title == "Held payouts"]
    assert (held.count, held.age, held.is_late) == (1, "0 min", False)


def test_a_bank_has_five_days_to_answer_a_file() -> None:
    exported()

    early = pulse(at=NOON + 5 * DAY).attempts_unknown
    late = pulse(at=NOON + 6 * DAY).attempts_unknown

    assert (early, late) == (0, 1)
