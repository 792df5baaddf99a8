"""What moved on the accounts of one expert or one client in a month, down to its source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from uuid import UUID

from django.db import connection
from django.db.models import Q, Sum

from marketplace.organizations.models import Organization
from marketplace.people.models import Expert
from payouts.models import Account, Document, Earning, Entry

# The kinds that a statement adds up; what is owed by the owner counts against it.
OF_EXPERT = (
    "expert_pending",
    "expert_available",
    "payout_in_transit",
    "payroll_payable",
    "expert_receivable",
)
OF_CLIENT = ("wallet", "escrow", "reserved", "overrun", "refund_in_transit", "client_receivable")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose statement, in which currency: an expert or a client."""

    currency: str
    organization: Organization | None = None
    expert: Expert | None = None

    @property
    def name(self) -> str:
        """`expert:<id>` or `client:<id>`, part of the key of a paper."""
        row = self.expert or self.organization
        assert row is not None  # one of them is given
        return f"{'expert' if self.expert else 'client'}:{row.pk}"

    @property
    def kinds(self) -> tuple[str, ...]:
        """The accounts that count."""
        return OF_EXPERT if self.expert else OF_CLIENT

    def owns(self) -> Q:
        """The rows of this owner and currency."""
        who = Q(expert=self.expert) if self.expert else Q(organization=self.organization)
        return who & Q(currency=self.currency)


@dataclass(frozen=True, slots=True)
class Reading:
    """Up to which version each account was read, and from which on entries are new.

    Versions only grow, so an entry that is written late with an earlier `effective_at` is counted
    once: in the month in which it was made.
    """

    since: datetime
    until: datetime
    versions: Mapping[str, int]
    before: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moved:
    """One posting's effect on one subject of the owner, in minor units; negative is less."""

    posting_id: UUID
    kind: str
    key: str
    external_ref: str
    at: datetime
    subject_id: UUID | None
    minor: int


def month_bounds(month: date) -> tuple[datetime, datetime]:
    """The first instant of the month and of the next one, UTC."""
    first = month.replace(day=1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    midnight = time(tzinfo=UTC)
    return datetime.combine(first, midnight), datetime.combine(following, midnight)


def last_statement(owner: Owner) -> Document | None:
    """The latest one of this owner and currency."""
    rows = Document.objects.filter(owner.owns(), kind="statement")
    return rows.order_by("-period_from", "-pk").first()


def reading_of(owner: Owner, *, month: date, last: Document | None) -> Reading:
    """What a statement of the month has to read, given the last one."""
    first, until = month_bounds(month)
    rows = Account.objects.filter(owner.owns(), kind__in=owner.kinds, version__gt=0)
    versions = {str(pk): version for pk, version in rows.values_list("pk", "version")}
    if last is None or last.period_until is None:
        return Reading(first, until, versions, versions)
    since = datetime.combine(last.period_until, time(tzinfo=UTC))
    return Reading(since, until, versions, last.body["read_up_to"])


def balances(reading: Reading, *, before: datetime) -> dict[str, int]:
    """By kind of account, what had happened before the instant; owed by the owner is negative."""
    sql = f"""
      SELECT a.kind, {_SIGNED} {_READ} WHERE p.effective_at < %(instant)s
      GROUP BY a.kind ORDER BY a.kind
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {**_arrays(reading), "instant": before})
        return {kind: int(minor) for kind, minor in cursor.fetchall() if minor}


def moved(reading: Reading) -> list[Moved]:
    """Every posting that changed what the owner has, by when it happened."""
    sql = f"""
      SELECT posting, kind, key, external_ref, effective_at, subject_id, minor::bigint FROM (
        SELECT p.id AS posting, p.kind, p.key, p.external_ref, p.effective_at, a.subject_id,
          {_SIGNED} AS minor, sum({_SIGNED}) OVER (PARTITION BY p.id) AS net
        {_READ}
        WHERE p.effective_at < %(until)s
          AND (e.account_version > m.before OR p.effective_at >= %(since)s)
        GROUP BY p.id, a.subject_id
      ) parts WHERE net <> 0 AND minor <> 0
      ORDER BY effective_at, posting, subject_id
    """  # noqa: S608 constants
    with connection.cursor() as cursor:
        cursor.execute(sql, {**_arrays(reading), "since": reading.since, "until": reading.until})
        return [Moved(*row) for row in cursor.fetchall()]


def earnings_of(postings: Iterable[UUID], owner: Owner) -> dict[UUID, list[Earning]]:
    """The earnings that these postings booked, of one expert or of one client, by posting."""
    rows = Earning.objects.filter(posting__in=set(postings))
    if owner.expert:
        rows = rows.filter(expert=owner.expert)
    found: dict[UUID, list[Earning]] = {}
    for row in rows.order_by("earned_at", "pk"):
        found.setdefault(row.posting_id, []).append(row)  # type: ignore[arg-type]  # filtered
    return found


def fees_of(postings: Iterable[UUID]) -> tuple[int, int]:
    """What these postings gave to the platform's revenue, and what they took from it."""
    rows = Entry.objects.filter(posting__in=set(postings), account__kind="platform_revenue")
    sums = dict(rows.values_list("side").annotate(total=Sum("amount_minor")))
    return sums.get("C", 0), sums.get("D", 0)


def is_work_unbooked(owner: Owner, *, before: datetime) -> bool:
    """Whether approved work of before the instant still waits for its round."""
    rows = Earning.objects.filter(posting=None, state="pending", earned_at__lt=before)
    rows = rows.filter(currency=owner.currency)
    if owner.expert:
        return rows.filter(expert=owner.expert).exists()
    return rows.filter(escrow__organization=owner.organization).exists()


def owners_with_accounts() -> list[tuple[str, UUID | None, UUID | None]]:
    """Currency, organisation and expert of everybody who ever had money here."""
    rows = Account.objects.filter(kind__in=(*OF_EXPERT, *OF_CLIENT), version__gt=0)
    listed = rows.values_list("currency", "organization_id", "expert_id").distinct()
    return list(listed.order_by("expert_id", "organization_id", "currency"))


_SIGNED = "sum(CASE e.side WHEN 'C' THEN e.amount_minor ELSE -e.amount_minor END)"
_READ = """
  FROM unnest(%(accounts)s::uuid[], %(now)s::bigint[], %(before)s::bigint[])
      AS m(id, now, before)
    JOIN payouts_account a ON a.id = m.id
    JOIN payouts_entry e ON e.account_id = m.id AND e.account_version <= m.now
    JOIN payouts_posting p ON p.id = e.posting_id
"""


def _arrays(reading: Reading) -> dict[str, list[str] | list[int]]:
    accounts = list(reading.versions)
    return {
        "accounts": accounts,
        "now": [reading.versions[each] for each in accounts],
        "before": [reading.before.get(each, 0) for each in accounts],
    }
