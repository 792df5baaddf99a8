"""Wallet, budget, reservation: what a client's money may and may not do."""

from __future__ import annotations

from functools import partial

import pytest

from marketplace.events.models import Event
from marketplace.kit.ids import uuid7
from payouts.selectors.budgets import Budget, project_budget, reservation_reading, wallet
from payouts.services import budgeting, reserving, rounds
from payouts.services.ledger import InsufficientBalance
from payouts.services.reserving import ReservationClosed, ReservationKeyReused
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db


def test_a_budget_comes_from_the_wallet_once_per_key() -> None:
    client, project = make.organization(), uuid7()
    make.pay_in(client, usd(1000))

    for _ in range(2):
        budgeting.allocate(
            organization=client, subject_id=project, amount=usd(300), by=uuid7(), key="a", at=NOON
        )

    assert wallet(client, "USD") == usd(700)
    assert project_budget(project, "USD").escrow == usd(300)
    assert Event.objects.filter(kind="budget.allocated").count() == 1


def test_overdrawing_the_wallet_is_refused_with_the_amounts() -> None:
    client = make.organization()
    make.pay_in(client, usd(1000))

    with pytest.raises(InsufficientBalance, match=r"needs 10\.01 USD, but there is 10\.00 USD"):
        budgeting.allocate(
            organization=client, subject_id=uuid7(), amount=usd(1001), by=uuid7(), key="a", at=NOON
        )


def test_only_unreserved_budget_goes_back() -> None:
    batch = make.reservation(usd(800), usd(200))

    with pytest.raises(InsufficientBalance, match=r"needs 0\.01 USD, but there is 0\.00 USD"):
        budgeting.return_budget(
            organization=batch.organization,
            subject_id=batch.subject_id,
            amount=usd(1),
            by=uuid7(),
            key="back",
            at=NOON,
        )


def test_a_batch_without_money_is_refused_with_the_amounts_and_reserves_nothing() -> None:
    client, project = make.funded_project(usd(999))

    with pytest.raises(InsufficientBalance) as refused:
        reserving.reserve(
            reservation_id=uuid7(),
            organization=client,
            subject_id=project,
            base=usd(800),
            pool=usd(200),
            quote={},
            by=uuid7(),
            at=NOON,
        )

    assert (
        str(refused.value) == "This needs 10.00 USD, but there is 9.99 USD in the project's budget."
    )
    assert project_budget(project, "USD") == Budget(usd(999), usd(999), usd(0), usd(0), usd(0))


def test_a_reservation_is_made_once() -> None:
    batch = make.reservation(usd(800), usd(200))
    reserve_again = partial(
        reserving.reserve,
        reservation_id=batch.id,
        organization=batch.organization,
        subject_id=batch.subject_id,
        pool=usd(200),
        quote={},
        by=uuid7(),
        at=NOON,
    )

    again = reserve_again(base=usd(800))

    assert again == batch
    with pytest.raises(ReservationKeyReused):
        reserve_again(base=usd(801))


def test_extra_seats_come_from_the_pool_until_it_is_empty() -> None:
    batch = make.reservation(usd(800), usd(200))

    reserving.draw_overrun(reservation=batch, amount=usd(150), key="1", at=NOON)
    reserving.draw_overrun(reservation=batch, amount=usd(150), key="1", at=NOON)

    reading = reservation_reading(batch.id)
    assert reading is not None
    assert (reading.reserved, reading.pool) == (usd(950), usd(50))
    with pytest.raises(InsufficientBalance, match="pool for extra answers"):
        reserving.draw_overrun(reservation=batch, amount=usd(51), key="2", at=NOON)


def test_a_client_may_add_to_the_pool() -> None:
    client, project = make.funded_project(usd(1000))
    batch = reserving.reserve(
        reservation_id=uuid7(),
        organization=client,
        subject_id=project,
        base=usd(500),
        pool=usd(0),
        quote={},
        by=uuid7(),
        at=NOON,
    )

    reserving.raise_overrun(reservation=batch, amount=usd(100), by=uuid7(), key="r", at=NOON)

    assert project_budget(project, "USD") == Budget(usd(1000), usd(400), usd(500), usd(100), usd(0))


def test_closing_gives_back_all_but_what_may_become_due() -> None:
    batch = make.reservation(usd(1000), usd(400))
    make.credited(batch, make.expert(), 100, fee=15)  # still unposted

    released = reserving.release_reservation(reservation=batch, keep=usd(230), at=NOON)

    batch.refresh_from_db()
    assert (released, batch.state) == (usd(1400 - 230 - 115), "closing")
    assert project_budget(batch.subject_id, "USD").reserved == usd(230)


def test_a_closing_batch_releases_the_rest_when_nothing_is_owed() -> None:
    batch = make.reservation(usd(1000))
    reserving.release_reservation(reservation=batch, keep=usd(115), at=NOON)
    make.credited(batch, make.expert(), 100)
    rounds.post_earnings(at=NOON)

    released = reserving.release_reservation(reservation=batch, keep=usd(0), at=NOON)
    nothing = reserving.release_reservation(reservation=batch, keep=usd(0), at=NOON)

    batch.refresh_from_db()
    assert (released, nothing, batch.state) == (usd(15), usd(0), "released")
    assert project_budget(batch.subject_id, "USD") == Budget(
        usd(1000), usd(900), usd(0), usd(0), usd(100)
    )


def test_a_closing_batch_draws_no_more_seats() -> None:
    batch = make.reservation(usd(1000), usd(400))
    reserving.release_reservation(reservation=batch, keep=usd(500), at=NOON)

    with pytest.raises(ReservationClosed):
        reserving.draw_overrun(reservation=batch, amount=usd(1), key="1", at=NOON)
