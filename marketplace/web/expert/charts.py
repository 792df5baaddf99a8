"""Twelve weeks of earnings as bars."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, Sum
from django.db.models.functions import TruncWeek

from marketplace.kit.money import Money, exponent
from marketplace.people.models import Expert
from payouts.models import Earning
from payouts.selectors.came_back import Unpaid

WEEKS = 12
STEPS = 4


def weekly_earnings(
    expert: Expert, currency: str, *, unpaid: Unpaid, at: datetime
) -> dict[str, Any] | None:
    """Paid and not yet paid per week it was earned in; None where nothing was. Any: for c-bars.

    What came back of a payout counts in the week in which it did, and no longer in the first one.
    """
    monday = (at - timedelta(days=at.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    first = monday - timedelta(weeks=WEEKS - 1)
    found = (
        Earning.objects.filter(expert=expert, currency=currency, earned_at__gte=first)
        .exclude(state__in=["voided", "clawed_back"])
        .annotate(week=TruncWeek("earned_at"))
        .values("week")
        .annotate(
            paid=Sum("pay_minor", filter=Q(state="paid"), default=0),
            waiting=Sum("pay_minor", filter=~Q(state="paid"), default=0),
        )
    )
    by_week = {row["week"]: (row["paid"], row["waiting"]) for row in found}
    _take_out_unpaid(by_week, unpaid, currency, first)
    if not by_week:
        return None
    weeks = [(first + timedelta(weeks=n)) for n in range(WEEKS)]
    amounts = [by_week.get(week, (0, 0)) for week in weeks]
    top = _round_up(max(paid + waiting for paid, waiting in amounts), 10 ** exponent(currency))
    return {
        "ticks": [_tick(step, top, currency) for step in range(STEPS + 1)],
        "columns": ["Week of", "Paid", "Not yet paid"],
        "labels": [f"{week:%-d %b}" for week in weeks[::3]] + [f"{weeks[-1]:%-d %b}"],
        "bars": [_bar(*row, top, currency) for row in zip(weeks, amounts, strict=True)],
    }


def _take_out_unpaid(
    by_week: dict[datetime, tuple[int, int]], unpaid: Unpaid, currency: str, first: datetime
) -> None:
    rows = Earning.objects.filter(pk__in={*unpaid.owed_anew, *unpaid.returned}, currency=currency)
    rows = rows.filter(earned_at__gte=first, state="paid").annotate(week=TruncWeek("earned_at"))
    for row in rows.order_by("pk"):
        paid, waiting = by_week[row.week]
        returned = unpaid.returned.get(row.pk, 0)
        lost = unpaid.owed_anew.get(row.pk, 0) + returned
        by_week[row.week] = (paid - lost, waiting + returned)


def _tick(step: int, top: int, currency: str) -> dict[str, Any]:
    amount = str(Money(top * step // STEPS, currency)).split(" ", 1)[0].split(".", 1)[0]
    return {"label": amount, "y": 100 - 100 * step / STEPS}


def _bar(week: datetime, amounts: tuple[int, int], top: int, currency: str) -> dict[str, Any]:
    paid, waiting = amounts
    told = [str(Money(amount, currency)) for amount in amounts]
    return {
        "label": f"{week:%-d %b}",
        "height": round(100 * (paid + waiting) / top, 2),
        "solid_height": round(100 * paid / top, 2),
        "striped_height": round(100 * waiting / top, 2),
        "words": f"{told[0]} paid, {told[1]} not yet",
        "cells": told,
    }


def _round_up(minor: int, unit: int) -> int:
    """The next round sum in whole currency units that four steps divide."""
    step = STEPS * unit
    while minor > 10 * step:
        step *= 10
    return max(step, -(-minor // step) * step)
