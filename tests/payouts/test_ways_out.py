"""No state of money without a way out: the runbook names a verb for each, and the verb works."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any  # Any: what Stripe's client gives

import pytest
from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import pre_save

from marketplace.kit.ids import uuid7
from payouts.gateways.port import Checkout
from payouts.gateways.stripe import StripeGateway
from payouts.models import (
    BankBatch,
    Break,
    Chargeback,
    Funding,
    Payee,
    Payout,
    PayoutAttempt,
    PayoutRun,
    PayrollExport,
    Proposal,
    Refund,
    RefundPart,
)
from payouts.services import (
    bank_answers,
    bank_files,
    funding,
    holding,
    payrolling,
    proposing,
    refunding,
    returning,
    running_payouts,
    sandboxing,
)
from tests.payouts import make
from tests.payouts import test_row_19_chargebacks as row_19
from tests.payouts import test_row_19_losses as losses
from tests.payouts import test_row_20_refunds as row_20
from tests.payouts.make import NOON, usd
from tests.payouts.rails import approved_file, exported
from tests.payouts.test_adopting import adopted, frozen, late
from tests.payouts.test_came_back import refused_by_bank, sent, taken_back
from tests.payouts.test_payroll import DECEMBER, drafted, employee, worked
from tests.payouts.test_payroll_voiding import two, void
from tests.payouts.test_row_19_losses import Sync, sync  # noqa: F401 a fixture

pytestmark = pytest.mark.django_db
MODELS: tuple[type[Any], ...] = (  # Any: models with TRANSITIONS
    *(Payout, PayoutAttempt, PayoutRun, Payee, BankBatch, PayrollExport),
    *(Funding, Refund, RefundPart, Chargeback, Break, Proposal),
)
Edges = dict[str, set[tuple[str, str]]]


@contextmanager
def recorded() -> Iterator[Edges]:
    """Every move of a row from one state to another meanwhile, by model."""
    found: Edges = defaultdict(set)

    def keep(sender: type[Model], instance: Any, **_: object) -> None:
        if sender in MODELS:
            before = sender._default_manager.filter(pk=instance.pk).values_list("state", flat=True)
            found[sender.__name__] |= {(old, instance.state) for old in before}

    pre_save.connect(keep)
    try:
        yield found
    finally:
        pre_save.disconnect(keep)


def _open_ends(found: Edges) -> set[tuple[str, str]]:
    """States that nothing left, though they are no end."""
    return {
        (model.__name__, state)
        for model in MODELS
        for state, targets in model.TRANSITIONS.items()
        if targets and not any((state, each) in found[model.__name__] for each in targets)
    }


def paid_and_returned() -> None:
    payout = sent()
    refused_by_bank(payout)
    taken_back(payout, 5000)


def held_and_cancelled() -> None:
    make.owed()
    run = make.approved_run()
    payout = holding.hold_payout(
        payout=Payout.objects.get(run=run), why="Looks odd to us.", by=make.user().id, at=NOON
    )
    holding.cancel_payout(payout=payout, why="asked", at=NOON)
    make.send_all(run)


def paused() -> None:
    make.owed()
    run = make.approved_run()
    run = running_payouts.start_run(run_id=run.id, at=NOON)
    running_payouts.pause_run(run=run, reason="to look", at=NOON)
    running_payouts.resume_run(run=run, by=make.user(), at=NOON)


def restricted() -> None:
    account, who = str(Payee.objects.get(expert=make.onboarded()).account_id), make.user().id
    sandboxing.restrict_account(account_id=account, by=who, at=NOON)
    make.drain()
    sandboxing.restore_account(account_id=account, by=who, at=NOON)
    make.drain()


def file_that_failed() -> None:
    batch, _ = exported()
    row = bank_answers.propose_unpaid(
        attempt=batch.attempts.get(),
        why="On no statement at all.",
        by=make.user(),
        at=NOON + timedelta(days=5),
    )
    proposing.approve(proposal=row, by=make.user(), at=NOON)
    holding.retry_payout(payout=Payout.objects.get(), by=make.user().id, at=NOON)
    bank_files.cancel_batch(batch=approved_file(), by=make.user(), at=NOON)
    bank_files.cancel_batch(
        batch=bank_files.draft_batch(currency="USD", by=make.user(), at=NOON),
        by=make.user(),
        at=NOON,
    )


def payroll() -> None:
    _, export, one, other = two()
    void(export, one, other)
    lab = make.organization()
    worked(employee(lab), 700)
    payrolling.cancel_payroll(export=drafted(lab), by=make.user(), at=DECEMBER)


def refunds() -> None:
    refund = row_20.approved(row_20.paid(10_000), 3000)
    row_20.fault("time_out_after")
    make.drain()
    returning.sweep_refunds(at=NOON + timedelta(hours=1))
    part = refund.parts.get()
    sandboxing.press(button="fail_refund", object_id=str(part.provider_id), by=uuid7(), at=NOON)
    make.drain()
    refunding.refuse_refund(
        refund=row_20.ask(row_20.paid(10_000), 3000), answer="Not yet.", by=make.user(), at=NOON
    )


def payments(monkeypatch: pytest.MonkeyPatch) -> None:
    for act in ("fail", "abandon"):
        row = make.start_funding(make.organization(), usd(5000))
        sandboxing.act_on_checkout(session_id=str(row.session_id), act=act)
        make.drain()
        read = StripeGateway.read_checkout

        def say(
            self: StripeGateway,
            *,
            session_id: str,
            read: Callable[..., Checkout] = read,
            name: str = act,
        ) -> Checkout:
            page = read(self, session_id=session_id)
            paid = {"is_paid": True, "received": usd(5000), "payment_intent": f"pi_{name}"}
            return replace(page, is_failed=False, is_expired=False, **paid)  # type: ignore[arg-type]  # its fields

        with monkeypatch.context() as later:
            later.setattr(StripeGateway, "read_checkout", say)
            funding.settle_checkout(session_id=str(row.session_id), at=NOON)


def chargebacks(look: Sync) -> None:
    _, charge = row_19.paid()
    row_19.press("lose_chargeback", row_19.press("warn_of_chargeback", charge))
    look("needs_response", (losses.movement("txn_one", -10_000),))
    look("won", (losses.movement("txn_one", -10_000), losses.movement("txn_two", 10_000)))
    look("needs_response", (losses.movement("txn_one", -10_000),))
    look("lost", (losses.movement("txn_one", -10_000),))


def test_every_state_that_is_no_end_is_left_by_a_verb(
    monkeypatch: pytest.MonkeyPatch,
    sync: Sync,  # noqa: F811 the fixture
) -> None:
    stories: tuple[Callable[[], object], ...] = (
        *(paid_and_returned, held_and_cancelled, paused, restricted, file_that_failed),
        *(payroll, refunds),
        lambda: adopted(frozen(4000)),
        lambda: adopted(late(4000, monkeypatch)),
        lambda: payments(monkeypatch),
        lambda: chargebacks(sync),
    )
    with recorded() as found:
        for story in stories:
            before = transaction.savepoint()
            story()
            transaction.savepoint_rollback(before)

    assert _open_ends(found) == set()


ROW = re.compile(r"^\| (\w[\w ]*) \| ((?:`\w+`(?:, )?)+) \|.*\| ((?:`[\w.]+`(?:, )?)+) \|$")


def _told() -> dict[tuple[str, str], list[str]]:
    """The verbs that the runbook names, by thing and state."""
    text = (settings.BASE_DIR / "docs/operate/runbook.md").read_text()
    section = text.partition("## Ways out of every state\n")[2].partition("\n## ")[0]
    return {
        (match[1], state): re.findall(r"`([\w.]+)`", match[3])
        for match in map(ROW.match, section.splitlines())
        if match is not None
        for state in re.findall(r"`(\w+)`", match[2])
    }


def test_the_runbook_names_a_verb_for_every_state_that_is_no_end() -> None:
    told = _told()

    wanted = {
        (model.__name__, state)
        for model in MODELS
        for state, targets in model.TRANSITIONS.items()
        if targets
    }
    assert wanted - set(told) == set()
    verbs = {verb for each in told.values() for verb in each}
    assert [verb for verb in sorted(verbs) if not _exists(verb)] == []


def _exists(verb: str) -> bool:
    module, _, name = verb.partition(".")
    return hasattr(import_module(f"payouts.services.{module}"), name)
