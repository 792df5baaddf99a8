"""What of the money waits for a person: the queues of finance, also on the overview."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse

from marketplace.people.models import User
from marketplace.web.staff.waiting import DAY, HOUR, Kind
from payouts.access import (
    visible_bank_batches,
    visible_breaks,
    visible_chargebacks,
    visible_clawbacks,
    visible_fundings,
    visible_grants,
    visible_payouts,
    visible_payroll_exports,
    visible_proposals,
    visible_refunds,
    visible_runs,
)
from payouts.selectors.runs import with_hold, without_answer
from payouts.services.bank_schedules import we_pay_banks


def clawback_queue(user: User) -> Kind:
    """Which quality sees, too."""
    return Kind(
        "Clawbacks to decide",
        "undo-2",
        reverse("staff:clawbacks"),
        visible_clawbacks(to=user).filter(state="proposed"),
        "proposed_at",
        3 * DAY,
    )


def money_queues(user: User, *, at: datetime) -> Iterator[Kind]:
    """All that waits, whoever began it; clawbacks apart."""
    yield from _out(user, at)
    yield from _clients(user)
    proposals = visible_proposals(to=user).filter(state="proposed")
    yield Kind(
        "For a second person",
        "users",
        reverse("staff:proposals"),
        proposals,
        "proposed_at",
        DAY,
        maker="proposed_by",
    )
    yield Kind(
        "Differences to explain",
        "scale",
        reverse("staff:reconciliation"),
        visible_breaks(to=user).filter(state="open"),
        "opened_at",
        DAY,
    )


def _out(user: User, at: datetime) -> Iterator[Kind]:
    runs = visible_runs(to=user)
    yield Kind(
        "Runs to close",
        "lock",
        f"{reverse('staff:runs')}?state=open",
        runs.filter(state="open", collected_at__isnull=False),
        "opened_at",
        DAY,
    )
    yield Kind(
        "Runs to approve",
        "banknote",
        f"{reverse('staff:runs')}?state=closed",
        runs.filter(state="closed"),
        "closed_at",
        DAY,
        (runs.exclude(approved_at=None), "approved_at"),
        maker="opened_by",
    )
    yield Kind(
        "Paused runs",
        "pause",
        f"{reverse('staff:runs')}?state=paused",
        runs.filter(state="paused"),
        "started_at",
        DAY,
    )
    yield from _payouts(user, at)
    yield from _files(user)


def _payouts(user: User, at: datetime) -> Iterator[Kind]:
    payouts, all_payouts = visible_payouts(to=user), reverse("staff:payouts")
    yield Kind(
        "Held payouts",
        "hand",
        f"{all_payouts}?state=held",
        with_hold(payouts.filter(state="held")),
        "held_at",
        3 * DAY,
    )
    yield Kind(
        "Payouts that Stripe refused",
        "x",
        f"{all_payouts}?state=rejected",
        payouts.filter(state="rejected"),
        "reserved_at",
        DAY,
    )
    yield Kind(
        "Returned by the expert's bank",
        "undo-2",
        f"{all_payouts}?state=bank_failed",
        payouts.filter(state="bank_failed"),
        "transferred_at",
        7 * DAY,
    )
    yield Kind(
        "Transfers without an answer",
        "search",
        f"{all_payouts}?state=unknown",
        without_answer(payouts, at=at),
        "attempts__first_sent_at",
        HOUR,
    )
    if we_pay_banks():
        yield Kind(
            "Bank payouts without an answer",
            "search",
            f"{all_payouts}?state=transferred",
            payouts.filter(bank_attempts__state="unknown"),
            "bank_attempts__first_sent_at",
            HOUR,
        )


def _files(user: User) -> Iterator[Kind]:
    yield Kind(
        "Bank files to approve",
        "file-check",
        reverse("staff:bank_files"),
        visible_bank_batches(to=user).filter(state="drafted"),
        "made_at",
        DAY,
        maker="made_by",
    )
    yield Kind(
        "Payroll to approve",
        "file-check",
        reverse("staff:payroll"),
        visible_payroll_exports(to=user).filter(state="drafted"),
        "made_at",
        DAY,
        maker="made_by",
    )


def _clients(user: User) -> Iterator[Kind]:
    yield Kind(
        "Bank transfers to confirm",
        "landmark",
        f"{reverse('staff:payments')}?show=wires",
        visible_fundings(to=user).filter(method="wire", state="paying"),
        "created_at",
        DAY,
        maker="asked_by",
    )
    yield Kind(
        "Refunds to decide",
        "hand-coins",
        f"{reverse('staff:refunds')}?show=waiting",
        visible_refunds(to=user).filter(state="requested"),
        "asked_at",
        2 * DAY,
        maker="asked_by",
    )
    yield Kind(
        "Budgets asked for",
        "wallet",
        reverse("staff:grants"),
        visible_grants(to=user).filter(state="requested"),
        "asked_at",
        2 * DAY,
    )
    yield Kind(
        "Chargebacks not decided",
        "triangle-alert",
        f"{reverse('staff:chargebacks')}?show=open",
        visible_chargebacks(to=user).filter(state__in=["warning", "open"]),
        "opened_at",
        7 * DAY,
    )
