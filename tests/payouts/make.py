"""People, clients and money for the tests of the money."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert, User
from payouts.models import Account, Earning, Posting, Reservation
from payouts.services import budgeting, earning, ledger, reserving, rounds
from payouts.services.accounts import account

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOLD = timedelta(hours=72)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def user(name: str = "Fay Finance") -> User:
    return User.objects.create_user(f"{uuid7().hex}@example.org", name=name)


def organization(name: str = "Lab") -> Organization:
    row = uuid7()
    return Organization.objects.create(id=row, name=name, slug=f"lab-{row.hex}", created_at=NOON)


def expert(country: str = "US") -> Expert:
    row = uuid7()
    return Expert.objects.create(
        id=row,
        user=user("Ada Expert"),
        pseudonym=f"amber-{row.hex}",
        display_name="Ada Expert",
        country=country,
        languages=["en"],
        time_zone="UTC",
        created_at=NOON,
    )


def clearing(currency: str = "USD") -> Account:
    return account("psp_clearing", currency=currency)


def wallet(owner: Organization, currency: str = "USD") -> Account:
    return account("wallet", currency=currency, organization=owner)


def pay_in(owner: Organization, amount: Money) -> Posting:
    """Money that a client has paid, as the webhook would book it."""
    return ledger.post(
        key=f"funding:{uuid7()}",
        kind="funding_paid",
        currency=amount.currency,
        legs=[
            ledger.debit(clearing(amount.currency), amount),
            ledger.credit(wallet(owner, amount.currency), amount),
        ],
        effective_at=NOON,
    )


def funded_project(
    amount: Money, *, owner: Organization | None = None
) -> tuple[Organization, UUID]:
    """A client and one of its projects that has this budget."""
    client = owner or organization()
    project = uuid7()
    pay_in(client, amount)
    budgeting.allocate(
        organization=client,
        subject_id=project,
        amount=amount,
        by=uuid7(),
        key=str(uuid7()),
        at=NOON,
    )
    return client, project


def reservation(base: Money, pool: Money | None = None) -> Reservation:
    """A batch's reservation of a project that has exactly its price."""
    extra = pool or Money(0, base.currency)
    client, project = funded_project(base + extra)
    return reserving.reserve(
        reservation_id=uuid7(),
        organization=client,
        subject_id=project,
        base=base,
        pool=extra,
        quote={"seats": 1},
        by=uuid7(),
        at=NOON,
    )


def credited(
    batch: Reservation,
    who: Expert,
    pay: int,
    *,
    fee: int = 0,
    hold: timedelta = timedelta(0),
    at: datetime = NOON,
) -> Earning:
    """An approved unit of work."""
    return earning.credit(
        key=f"assignment:{uuid7()}",
        expert=who,
        pay=Money(pay, batch.currency),
        fee=Money(fee, batch.currency),
        reservation=batch,
        pay_channel="stripe",
        hold=hold,
        at=at,
    )


def available(who: Expert, pay: int, *, currency: str = "USD") -> Earning:
    """An earning whose hold is over, so that the next run takes it."""
    batch = reservation(Money(pay, currency))
    row = credited(batch, who, pay)
    rounds.post_earnings(at=NOON)
    rounds.release_holds(at=NOON)
    row.refresh_from_db()
    return row


def balance(row: Account) -> int:
    row.refresh_from_db()
    return row.balance_minor
