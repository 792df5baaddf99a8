"""Clients, experts and money for the benchmarks, made in bulk; the triggers stay on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.db import connection

from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert, User
from payouts.gateways.sandbox.accounts import with_capability
from payouts.models import Earning, Payee, Payout, Reservation, SandboxObject
from payouts.services import budgeting, funding, ledger, reserving, sandboxing
from payouts.services.accounts import account

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HUGE = 10**14


def user(name: str) -> User:
    return User.objects.create(email=f"{uuid7().hex}@example.org", name=name)


def organization() -> Organization:
    row = uuid7()
    return Organization.objects.create(id=row, name="Lab", slug=f"lab-{row.hex}", created_at=NOON)


def experts(count: int) -> list[Expert]:
    """Experts with an account that may receive transfers."""
    people = User.objects.bulk_create(
        User(email=f"{uuid7().hex}@example.org", name="Ada") for _ in range(count)
    )
    rows = Expert.objects.bulk_create(
        Expert(
            user=person, pseudonym=f"amber-{person.id.hex}", display_name="Ada", country="US",
            languages=["en"], time_zone="UTC", created_at=NOON,
        )
        for person in people
    )  # fmt: skip
    Payee.objects.bulk_create(
        Payee(
            expert=row, account_id=f"acct_{row.id.hex}", country="US", state="active",
            livemode=False, created_at=NOON, checked_at=NOON,
        )
        for row in rows
    )  # fmt: skip
    return rows


def reservation(client: Organization, minor: int = HUGE) -> Reservation:
    """A batch of a new project, with that much set aside."""
    project, amount = uuid7(), Money(minor, "USD")
    wallet = account("wallet", currency="USD", organization=client)
    clearing = account("psp_clearing", currency="USD")
    ledger.post(
        key=f"funding:{project}",
        kind="funding_paid",
        currency="USD",
        legs=[ledger.Leg.debit(clearing, amount), ledger.Leg.credit(wallet, amount)],
        effective_at=NOON,
    )
    budgeting.allocate(
        organization=client, subject_id=project, amount=amount, by=uuid7(), key=str(project),
        at=NOON,
    )  # fmt: skip
    return reserving.reserve(
        reservation_id=uuid7(), organization=client, subject_id=project, base=amount,
        pool=Money(0, "USD"), quote={}, by=uuid7(), at=NOON,
    )  # fmt: skip


def backlog(
    batches: Sequence[Reservation], people: Sequence[Expert], count: int, *, pay: int = 700
) -> None:
    """Approved and unposted earnings, spread evenly over batches and people."""
    Earning.objects.bulk_create(
        (
            Earning(
                key=f"work:{uuid7()}",
                expert=people[n % len(people)],
                escrow_id=batch.escrow_id,
                reservation=batch,
                currency="USD",
                pay_minor=pay + n % 7,
                fee_minor=105,
                cap_minor=pay + 200,
                pay_channel="stripe",
                earned_at=NOON + timedelta(microseconds=n),
                available_at=NOON + timedelta(microseconds=n),
            )
            for n in range(count)
            for batch in [batches[n % len(batches)]]
        ),
        batch_size=2_000,
    )


def stock_sandbox(payouts: Sequence[Payout]) -> None:
    """The sandbox's Stripe knows the accounts and holds what they are to get."""
    wanted = Money(2 * sum(payout.amount_minor for payout in payouts), "USD")  # and the fee
    paid = funding.start_checkout(
        organization=organization(), amount=wanted, by=uuid7(), success_url="https://example.org/",
        cancel_url="https://example.org/", at=NOON,
    )  # fmt: skip
    sandboxing.act_on_checkout(session_id=str(paid.session_id), act="pay")
    SandboxObject.objects.bulk_create(
        SandboxObject(
            object_id=payout.destination, type="v2.core.account", created_at=NOON,
            body={
                "id": payout.destination, "object": "v2.core.account", "closed": False,
                "identity": {"country": "us"}, **with_capability("active", []),
            },
        )
        for payout in payouts
    )  # fmt: skip


def refresh_statistics() -> None:
    """What autovacuum does within a minute in production."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
