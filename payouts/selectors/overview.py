"""The state of the money at a glance, and what of it should wake somebody (MONEY 16)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Min, Sum

from marketplace.events.models import Event
from marketplace.kit.money import Money
from payouts.models import (
    Account,
    BankAttempt,
    Break,
    Earning,
    LedgerClose,
    PayoutAttempt,
    Reconciliation,
    StripeEvent,
)
from payouts.selectors.invariants import LEDGER
from payouts.selectors.pausing import pause_reason
from payouts.selectors.runs import BANK_ANSWERS_WITHIN

LATEST_ROUND = timedelta(seconds=60)
LATEST_RECONCILIATION = timedelta(hours=2)
LATEST_CHECK = timedelta(hours=26)
# The day before yesterday is closed at 00:30, whatever waits.
LATEST_CLOSE = timedelta(days=2)
OWED = frozenset(
    (
        *("wallet", "escrow", "reserved", "overrun", "refund_in_transit"),
        *("expert_pending", "expert_available", "payout_in_transit", "payroll_payable"),
    )
)


@dataclass(frozen=True, slots=True)
class Standing:
    """One currency: the trial balance, where the money is, and what of it is the operator's.

    `provider` is what the last reconciliation saw there, None before the first. `own` is what is
    left once everybody is paid; below zero, money is missing.
    """

    code: str
    debits: Money
    credits: Money
    clearing: Money
    provider: Money | None
    bank: Money
    owed: Money
    own: Money

    @property
    def is_balanced(self) -> bool:
        """Whether debits and credits are the same."""
        return self.debits == self.credits


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a supervisor asks of the money. Ages in whole seconds, None where nothing ever was.

    A payment of a bank file is `unknown` to us from its export on; it counts once it is late.
    """

    unposted: int
    oldest_unposted_s: int
    breaks_open: int
    parked_events: int
    attempts_unknown: int
    attempts_frozen: int
    bank_silent: int
    reconciled_at: datetime | None
    checked_at: datetime | None
    is_sound: bool
    closed_until: date | None
    paused: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something a person should look at; `section` is where the runbook says what to do."""

    title: str
    words: str
    section: str
    tone: str = "bad"


def standings() -> list[Standing]:
    """Every currency of the books, in two statements."""
    last = Reconciliation.objects.order_by("-read_until", "-id").first()
    seen = last.balances if last else {}
    rows = Account.objects.values("currency", "kind")
    sums = rows.annotate(d=Sum("debits_minor"), c=Sum("credits_minor")).order_by("currency", "kind")
    kinds: dict[str, dict[str, tuple[int, int]]] = {}
    for row in sums:
        kinds.setdefault(row["currency"], {})[row["kind"]] = (int(row["d"]), int(row["c"]))
    return [_standing(code, each, seen.get(code)) for code, each in kinds.items()]


def _standing(
    code: str, kinds: dict[str, tuple[int, int]], seen: dict[str, int] | None
) -> Standing:
    def left(kind: str) -> int:
        debits, credits_ = kinds.get(kind, (0, 0))
        return debits - credits_

    owed = -sum(left(kind) for kind in OWED)
    clearing, bank = left("psp_clearing"), left("platform_bank")
    return Standing(
        code=code,
        debits=Money(sum(d for d, _ in kinds.values()), code),
        credits=Money(sum(c for _, c in kinds.values()), code),
        clearing=Money(clearing, code),
        provider=Money(seen["provider"], code) if seen else None,
        bank=Money(bank, code),
        owed=Money(owed, code),
        own=Money(clearing + max(0, bank) - owed, code),
    )


def pulse(*, at: datetime) -> Pulse:
    """What waits, and how long ago the books were last looked at. Eight small statements."""
    unposted = Earning.objects.filter(posting=None, state="pending")
    waiting = unposted.aggregate(n=Count("id"), oldest=Min("earned_at"))
    unknown = PayoutAttempt.objects.filter(state__in=["sending", "unknown"])
    attempts = unknown.values_list("state", "is_frozen", "rail", "first_sent_at")
    check = Event.objects.filter(object_id=LEDGER).order_by("-id").first()
    last = Reconciliation.objects.order_by("-read_until", "-id").first()
    closed = LedgerClose.objects.order_by("-date", "-id").first()
    to_banks = BankAttempt.objects.filter(state__in=["sending", "unknown"])
    rows = to_banks.values_list("state", "is_frozen", "first_sent_at")
    states = [*attempts, *((state, frozen, "stripe", sent) for state, frozen, sent in rows)]
    latest = at - BANK_ANSWERS_WITHIN
    silent = sum(
        state == "unknown" and rail == "bank_file" and (sent or at) < latest
        for state, _, rail, sent in states
    )
    return Pulse(
        unposted=waiting["n"],
        oldest_unposted_s=_seconds(waiting["oldest"], at) or 0,
        breaks_open=Break.objects.filter(state="open").count(),
        parked_events=StripeEvent.objects.filter(state="parked").count(),
        attempts_unknown=silent
        + sum(state == "unknown" and rail == "stripe" for state, _, rail, _ in states),
        bank_silent=silent,
        attempts_frozen=sum(frozen for _, frozen, _, _ in states),
        reconciled_at=last.read_until if last else None,
        checked_at=check.occurred_at if check else None,
        is_sound=check is None or check.kind == "ledger.checked",
        closed_until=closed.date if closed else None,
        paused=pause_reason(),
    )


def gauges(found: Pulse, *, at: datetime) -> dict[str, int]:
    """The pulse as numbers for a monitor; an age of -1 means never."""

    def age(instant: datetime | None) -> int:
        seconds = _seconds(instant, at)
        return -1 if seconds is None else seconds

    return {
        "earnings_unposted": found.unposted,
        "earnings_unposted_oldest_seconds": found.oldest_unposted_s,
        "breaks_open": found.breaks_open,
        "parked_events": found.parked_events,
        "attempts_unknown": found.attempts_unknown,
        "attempts_frozen": found.attempts_frozen,
        "last_reconciliation_age_seconds": age(found.reconciled_at),
        "last_check_age_seconds": age(found.checked_at),
        "ledger_sound": int(found.is_sound),
        "payments_paused": int(bool(found.paused)),
    }


def alarms(found: Pulse, standing: list[Standing], *, at: datetime) -> Iterator[Alarm]:
    """What is wrong, the worst first, in words."""
    if not found.is_sound:
        yield Alarm(
            "The last check found the ledger broken",
            "Run manage.py check_ledger; it names every problem.",
            "The ledger is broken",
        )
    for each in standing:
        if each.own.minor < 0:
            yield Alarm(
                f"{-each.own} is not covered",
                f"Stripe and the bank hold less {each.code} than clients and experts are owed: "
                "fees are the operator's. Top up.",
                "Money is not covered",
                tone="warn",
            )
    if found.attempts_frozen:
        yield Alarm(
            _many(found.attempts_frozen, "frozen transfer"),
            "Stripe knows the key with another request. Nothing is sent until somebody looked.",
            "A transfer is frozen",
        )
    if found.bank_silent:
        yield Alarm(
            f"{_many(found.bank_silent, 'payment')} without a word of the bank",
            "The bank has had its days. Its statement says whether it paid; two people confirm it.",
            "The bank says nothing of a payment",
        )
    if found.breaks_open:
        yield Alarm(
            _many(found.breaks_open, "open difference"),
            "Stripe's books and ours do not agree.",
            "An open difference",
        )
    if found.parked_events:
        yield Alarm(
            _many(found.parked_events, "parked message"),
            "Stripe told us of something that we do not know.",
            "A parked message",
        )
    yield from _late(found, at=at)


def _late(found: Pulse, *, at: datetime) -> Iterator[Alarm]:
    if found.oldest_unposted_s > LATEST_ROUND.total_seconds():
        yield Alarm(
            f"{_many(found.unposted, 'earning')} not in the ledger yet",
            f"The oldest for {found.oldest_unposted_s} s. Shown balances are right all the same.",
            "Earnings wait for the ledger",
        )
    if found.reconciled_at and at - found.reconciled_at > LATEST_RECONCILIATION:
        yield Alarm(
            "The books were not compared for hours",
            "Reconciliation runs every hour; the last one is older than two.",
            "Reconciliation is late",
        )
    if found.checked_at and at - found.checked_at > LATEST_CHECK:
        yield Alarm(
            "The ledger was not checked last night",
            "The nightly check runs at 03:00 UTC.",
            "The nightly check is late",
        )
    if found.closed_until and found.closed_until < (at - LATEST_CLOSE).date():
        yield Alarm(
            "A day of the ledger is not closed",
            f"The last closed day is {found.closed_until:%-d %b %Y}.",
            "A day is not closed",
        )


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _seconds(instant: datetime | None, at: datetime) -> int | None:
    return None if instant is None else max(0, int((at - instant).total_seconds()))
