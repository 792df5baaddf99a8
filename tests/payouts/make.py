"""People, clients and money for the tests of the money."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert, User
from payouts.models import (
    Account,
    Earning,
    Funding,
    Payee,
    Payout,
    PayoutRun,
    Posting,
    Reservation,
    SandboxObject,
)
from payouts.selectors.earnings import Balance
from payouts.services import (
    budgeting,
    collecting,
    earning,
    funding,
    ledger,
    onboarding,
    reserving,
    rounds,
    running_payouts,
    sandboxing,
    sending,
)
from payouts.services.accounts import account
from payouts.services.pacing import Watch

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
            ledger.Leg.debit(clearing(amount.currency), amount),
            ledger.Leg.credit(wallet(owner, amount.currency), amount),
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
        key=f"work:{uuid7()}",
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


def balances(
    pending: Money, available: Money, on_its_way: Money, paid: Money, owed: Money
) -> Balance:
    """What an expert sees whose bank refused nothing and whom no employer pays."""
    none = Money(0, pending.currency)
    return Balance(pending, available, on_its_way, paid, owed, none, none, none)


def balance(row: Account) -> int:
    row.refresh_from_db()
    return row.balance_minor


def drain() -> None:
    """Run every due job and tick, as the workers would."""
    run_due_jobs()


def paid_funding(owner: Organization, amount: Money) -> Funding:
    """A funding that the client paid on the sandbox's page."""
    row = start_funding(owner, amount)
    sandboxing.act_on_checkout(session_id=str(row.session_id), act="pay")
    drain()
    row.refresh_from_db()
    return row


def start_funding(owner: Organization, amount: Money) -> Funding:
    return funding.start_checkout(
        organization=owner,
        amount=amount,
        by=uuid7(),
        success_url="https://example.org/done?session={CHECKOUT_SESSION_ID}",
        cancel_url="https://example.org/cancelled",
        at=NOON,
    )


def onboarded(country: str = "US", act: str = "complete") -> Expert:
    """An expert who went through the sandbox's payout set-up."""
    who = expert(country)
    url = onboarding.start_onboarding(expert=who, return_url="https://example.org/back", at=NOON)
    sandboxing.act_on_onboarding(link_id=url.rsplit("/", 1)[1], act=act)
    onboarding.sync_payee(account_id=str(Payee.objects.get(expert=who).account_id), at=NOON)
    return who


def stocked(amount: Money) -> Organization:
    """A client whose money is really at the sandbox's Stripe, available to transfer."""
    client = organization()
    row = start_funding(client, amount)
    sandboxing.act_on_checkout(session_id=str(row.session_id), act="pay")
    funding.settle_checkout(session_id=str(row.session_id), at=NOON)
    return client


def earned(who: Expert, pay: int, *, client: Organization) -> Earning:
    """An earning past its hold, paid for from the client's wallet."""
    project = uuid7()
    amount = usd(pay)
    budgeting.allocate(
        organization=client,
        subject_id=project,
        amount=amount,
        by=uuid7(),
        key=str(project),
        at=NOON,
    )
    batch = reserving.reserve(
        reservation_id=uuid7(),
        organization=client,
        subject_id=project,
        base=amount,
        pool=usd(0),
        quote={},
        by=uuid7(),
        at=NOON,
    )
    row = credited(batch, who, pay)
    rounds.post_earnings(at=NOON)
    rounds.release_holds(at=NOON)
    return row


def approved_run(at: datetime = NOON, currency: str = "USD") -> PayoutRun:
    """A run opened by one person and approved by another; nothing is sent yet."""
    run = running_payouts.open_run(currency=currency, by=user(), at=at)
    collecting.collect_run(run_id=run.id, at=at)
    running_payouts.close_run(run=run, by=user(), at=at)
    return running_payouts.approve_run(run=run, by=user(), at=at)


def owed(pay: int = 5000, *, stock: int = 100_000) -> Expert:
    """An onboarded expert with available money, and a client whose money is at Stripe."""
    client = stocked(usd(stock))
    who = onboarded()
    earned(who, pay, client=client)
    return who


def still(at: datetime = NOON) -> Watch:
    """A watch on which no time passes."""
    return Watch(at, clock=lambda: 0.0)


def send(run: PayoutRun) -> Payout:
    """Send what there is and return the run's only payout."""
    sending.send_some(run_id=run.id, at=NOON, watch=still())
    return Payout.objects.get(run=run)


def send_all(run: PayoutRun) -> int:
    """Send what there is; how many calls that took."""
    return sending.send_some(run_id=run.id, at=NOON, watch=still())


def fault(kind: str, times: int = 1) -> None:
    """The next transfers go wrong in this way."""
    fault_at(kind, "/v1/transfers", times)


def fault_at(kind: str, path: str, times: int = 1) -> None:
    """The next requests there go wrong in this way."""
    sandboxing.arm_fault(kind=kind, path=path, times=times, by=uuid7(), at=NOON)


def transfers() -> list[int]:
    """The amounts that really left, in order."""
    rows = SandboxObject.objects.filter(type="transfer").order_by("position")
    return [row.body["amount"] for row in rows]
