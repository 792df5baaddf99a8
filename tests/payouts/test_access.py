"""Whose money one may see: first there is something to leak, then nobody else sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from marketplace.kit.errors import Forbidden, NotFound
from marketplace.organizations.models import Membership
from marketplace.people.models import StaffRole, User
from payouts import access
from payouts.models import LeftOut, Payout
from payouts.selectors.runs import run_parts, run_total
from payouts.services import sending
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db
VISIBLE: dict[str, Callable[..., Any]] = {
    name: getattr(access, f"visible_{name}")
    for name in (
        *("fundings", "reservations", "earnings", "payees", "payouts", "runs"),
        *("accounts", "postings", "entries", "stripe_events"),
    )
}
EXPERTS = {"earnings", "payees", "payouts", "accounts", "entries"}
CLIENTS = {"fundings", "reservations", "accounts", "entries"}
SUPPORTS = {"payees", "payouts"}


@pytest.fixture
def cast() -> dict[str, Any]:
    """A paid payout, and everybody who might look at it."""
    client = make.stocked(usd(100_000))
    who = make.onboarded()
    make.earned(who, 5000, client=client)
    sending.send_some(run_id=make.approved_run().id, at=NOON)
    make.drain()
    lin = make.user("Lin")
    Membership.objects.create(organization=client, user=lin, role="billing", joined_at=NOON)
    return {"expert": who.user, "client": lin, "stranger": make.user("Eve")}


def staff(role: str) -> User:
    user = make.user("Sam")
    User.objects.filter(id=user.id).update(is_staff=True)
    user.is_staff = True
    StaffRole.objects.create(user=user, role=role, granted_at=NOON)
    return user


def seen_by(user: User | AnonymousUser) -> set[str]:
    return {name for name, visible in VISIBLE.items() if visible(to=user).exists()}


def test_each_sees_their_own_and_no_more(cast: dict[str, Any]) -> None:
    assert seen_by(cast["expert"]) == EXPERTS
    assert seen_by(cast["client"]) == CLIENTS
    assert seen_by(cast["stranger"]) == set()
    assert seen_by(AnonymousUser()) == set()


def test_finance_and_auditors_see_the_books_and_support_that_payouts_exist(
    cast: dict[str, Any],
) -> None:
    assert seen_by(staff("finance")) == set(VISIBLE)
    assert seen_by(staff("auditor")) == set(VISIBLE)
    assert seen_by(staff("support")) == SUPPORTS
    assert seen_by(staff("vetting")) == set()


def test_an_expert_does_not_see_the_clients_accounts(cast: dict[str, Any]) -> None:
    kinds = set(access.visible_accounts(to=cast["expert"]).values_list("kind", flat=True))

    assert kinds == {"expert_pending", "expert_available", "payout_in_transit"}


def test_only_finance_acts() -> None:
    access.require_finance(staff("finance"))
    with pytest.raises(Forbidden):
        access.require_finance(staff("auditor"))
    with pytest.raises(NotFound):
        access.require_finance(make.user())


def test_nobody_decides_about_their_own_money() -> None:
    user = make.user()

    with pytest.raises(Forbidden):
        access.require_other_than_payee(user, user.id)


def test_a_run_shows_its_parts_and_who_is_left_out() -> None:
    client = make.stocked(usd(100_000))
    paid, small, new = make.onboarded(), make.onboarded(), make.expert()
    for who, pay in ((paid, 5000), (small, 400), (new, 7000)):
        make.earned(who, pay, client=client)

    run = make.approved_run()

    assert [(part.state, part.payouts, part.amount) for part in run_parts(run)] == [
        ("reserved", 1, usd(5000))
    ]
    assert run_total(run) == usd(5000)
    assert Payout.objects.get(run=run).expert == paid
    assert set(LeftOut.objects.filter(run=run).values_list("expert", "amount_minor", "why")) == {
        (new.id, 7000, "no_payout_account"),
        (small.id, 400, "below_minimum"),
    }
