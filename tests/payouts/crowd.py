"""A thousand experts who are owed money, made in a few statements; every trigger stays on."""

from __future__ import annotations

from marketplace.kit.ids import uuid7
from marketplace.people.models import Expert, User
from payouts.gateways.sandbox.accounts import with_capability
from payouts.models import Earning, Payee, SandboxObject
from payouts.services import budgeting, reserving, rounds
from tests.payouts import make
from tests.payouts.make import NOON, usd

LEAST = 1000


def owed(count: int) -> int:
    """That many onboarded experts, the n-th with LEAST + n to get; what it comes to in all."""
    people = User.objects.bulk_create(
        User(email=f"{uuid7().hex}@example.org", name="Ada Expert") for _ in range(count)
    )
    experts = Expert.objects.bulk_create(
        Expert(
            user=person,
            pseudonym=f"amber-{person.id.hex}",
            display_name="Ada Expert",
            country="US",
            languages=["en"],
            time_zone="UTC",
            created_at=NOON,
        )
        for person in people
    )
    _set_up(experts)
    total = sum(LEAST + n for n in range(count))
    _earn(experts, total)
    return total


def _set_up(experts: list[Expert]) -> None:
    accounts = SandboxObject.objects.bulk_create(
        SandboxObject(
            object_id=f"acct_{expert.id.hex}",
            type="v2.core.account",
            body={
                "id": f"acct_{expert.id.hex}",
                "object": "v2.core.account",
                "closed": False,
                "identity": {"country": "us"},
                **with_capability("active", []),
            },
            created_at=NOON,
        )
        for expert in experts
    )
    Payee.objects.bulk_create(
        Payee(
            expert=expert,
            account_id=account.object_id,
            country="US",
            state="active",
            livemode=False,
            created_at=NOON,
            checked_at=NOON,
        )
        for expert, account in zip(experts, accounts, strict=True)
    )


def _earn(experts: list[Expert], total: int) -> None:
    client, project = make.stocked(usd(total * 11 // 10)), uuid7()
    by = uuid7()
    budgeting.allocate(
        organization=client, subject_id=project, amount=usd(total), by=by, key="all", at=NOON
    )
    batch = reserving.reserve(
        reservation_id=uuid7(),
        organization=client,
        subject_id=project,
        base=usd(total),
        pool=usd(0),
        quote={},
        by=by,
        at=NOON,
    )
    Earning.objects.bulk_create(
        Earning(
            key=f"work:{n}",
            expert=expert,
            escrow_id=batch.escrow_id,
            reservation=batch,
            currency="USD",
            pay_minor=LEAST + n,
            fee_minor=0,
            cap_minor=LEAST + n,
            pay_channel="stripe",
            earned_at=NOON,
            available_at=NOON,
        )
        for n, expert in enumerate(experts)
    )
    # A round stops after a while; on a busy machine that is before the thousandth.
    while Earning.objects.filter(posting=None).exists():
        rounds.post_earnings(at=NOON)
    while Earning.objects.filter(state="pending").exists():
        rounds.release_holds(at=NOON)
