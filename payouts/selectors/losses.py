"""What banks took back from a client for good, and out of which of its money."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from payouts.models import Chargeback, Entry


@dataclass(frozen=True, slots=True)
class Taken:
    """How much, in minor units, came out of the wallet (no project) or a project's budget."""

    minor: int
    project_id: UUID | None


def taken_by(chargebacks: Iterable[Chargeback]) -> dict[UUID, list[Taken]]:
    """By chargeback, the wallet first; less what the bank gave back later. One statement."""
    ids = {each.dispute_id: each.pk for each in chargebacks if each.state == "lost"}
    entries = Entry.objects.filter(
        posting__external_ref__in=ids,
        posting__kind__in=["chargeback_lost", "chargeback_reinstated"],
        account__kind__in=["wallet", "escrow"],
    )
    sums: dict[tuple[UUID, UUID | None], int] = {}
    for ref, project, side, minor in entries.order_by("-account__kind", "pk").values_list(
        "posting__external_ref", "account__subject_id", "side", "amount_minor"
    ):
        key = (ids[ref], project)
        sums[key] = sums.get(key, 0) + (minor if side == "D" else -minor)
    found: dict[UUID, list[Taken]] = {}
    for (chargeback, project), minor in sums.items():
        if minor > 0:
            found.setdefault(chargeback, []).append(Taken(minor, project))
    return found
