"""What becomes of payouts whose answer comes late, or is another than the first one."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any  # Any: what Stripe's client gives

import pytest
import stripe

from payouts.gateways.chosen import gateway
from payouts.gateways.port import GatewayError, Recipient
from payouts.gateways.sandbox.transport import SandboxTransport
from payouts.models import Break, Payee, Payout, PayoutAttempt, SandboxObject
from payouts.selectors.invariants import check_ledger
from payouts.services import (
    holding,
    looking_up,
    onboarding,
    proposing,
    releasing,
    sandboxing,
    sending,
    sweeping,
)
from payouts.services.breaking import propose_resolution
from payouts.services.holding import CallInFlight
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.provider import reconcile, resize

pytestmark = pytest.mark.django_db
_REQUEST = SandboxTransport.request
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def _unknown(count: int = 1) -> list[Payout]:
    """Payouts that timed out before they reached Stripe, as nobody knows; the first one first."""
    client = make.stocked(usd(100_000))
    for _ in range(count):
        make.earned(make.onboarded(), 5000, client=client)
    run = make.approved_run()
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(SandboxTransport, "request", _lost_on_the_way)
        make.send_all(run)
    return list(Payout.objects.filter(state="unknown").order_by("attempts__id"))


def _lost_on_the_way(
    transport: SandboxTransport,
    method: str,
    url: str,
    headers: Any,
    post_data: Any = None,
    **_: Any,
) -> Any:
    if method == "post" and "/v1/transfers" in url:
        raise stripe.APIConnectionError("Connection refused.")
    return _REQUEST(transport, method, url, headers, post_data)


def test_an_unknown_payout_whose_account_is_refused_waits_for_the_account() -> None:
    payout = _unknown()[0]
    who = make.user().id
    sandboxing.restrict_account(account_id=payout.destination, by=who, at=NOON)

    sweeping.sweep_attempts(at=NOON + 3 * MINUTE)

    payout.refresh_from_db()
    assert (payout.state, payout.why, payout.attempts.get().state) == (
        "held",
        "account",
        "rejected",
    )
    sandboxing.restore_account(account_id=payout.destination, by=who, at=NOON)
    make.drain()
    payout.refresh_from_db()
    assert (payout.state, make.transfers()) == ("paid", [5000])


def test_an_attempt_that_cannot_be_settled_keeps_no_other_from_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = _unknown(2)
    settle = sending.deliver

    def stumble(*, attempt: PayoutAttempt, **given: object) -> None:
        if attempt.payout_id == first.id:
            raise GatewayError("a surprise")
        settle(attempt=attempt, **given)  # type: ignore[arg-type]  # what the sweep gives

    monkeypatch.setattr(sweeping, "deliver", stumble)

    with pytest.raises(GatewayError, match="a surprise"):
        sweeping.sweep_attempts(at=NOON + 3 * MINUTE, watch=make.still(NOON + 3 * MINUTE))

    second.refresh_from_db()
    assert (second.state, make.transfers()) == ("transferred", [5000])


def _given_up(monkeypatch: pytest.MonkeyPatch) -> tuple[Payout, str]:
    """A payout declared not sent whose transfer Stripe did make; the transfer's id."""
    make.owed(5000)
    make.fault("time_out_after")
    payout = make.send(make.approved_run())
    with monkeypatch.context() as hidden:
        hidden.setattr(sweeping, "look_up", lambda **_: None)
        sweeping.confirm_not_sent(
            attempt=payout.attempts.get(),
            by=make.user(),
            seconded_by=make.user(),
            at=NOON + 25 * HOUR,
        )
    return payout, SandboxObject.objects.get(type="transfer").object_id


def test_a_late_transfer_is_the_payouts_success_and_the_next_try_never_goes_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payout, transfer_id = _given_up(monkeypatch)

    looking_up.adopt_transfer(transfer_id=transfer_id, at=NOON + 26 * HOUR)
    sending.send_some(run_id=payout.run_id, at=NOON + 26 * HOUR)

    payout.refresh_from_db()
    assert (payout.state, payout.transfer_id, payout.why) == ("transferred", transfer_id, "")
    assert [row.state for row in payout.attempts.order_by("number")] == ["succeeded", "rejected"]
    assert (make.transfers(), Break.objects.count()) == ([5000], 0)
    assert check_ledger(NOON + 26 * HOUR).broken == ()


def test_reconciliation_takes_a_late_transfer_over_and_finds_no_difference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payout, _ = _given_up(monkeypatch)

    assert reconcile(NOON + 26 * HOUR) == {}

    payout.refresh_from_db()
    assert (payout.state, make.transfers()) == ("transferred", [5000])


def test_a_late_transfer_of_another_amount_holds_the_next_try_and_opens_a_break(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payout, transfer_id = _given_up(monkeypatch)
    resize(transfer_id, 4000)

    looking_up.adopt_transfer(transfer_id=transfer_id, at=NOON + 26 * HOUR)
    sending.send_some(run_id=payout.run_id, at=NOON + 26 * HOUR)

    payout.refresh_from_db()
    assert (payout.state, payout.why) == ("held", "an earlier try was paid after all")
    assert [row.state for row in payout.attempts.order_by("number")] == ["rejected", "created"]
    assert make.transfers() == [4000]
    difference = Break.objects.get()
    movement = SandboxObject.objects.get(type="balance_transaction", body__source=transfer_id)
    assert (difference.kind, difference.ref, difference.found_minor) == (
        "missing_in_ledger",
        movement.object_id,
        -4000,
    )


def test_nobody_alone_gives_back_the_money_of_a_late_transfer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payout, transfer_id = _given_up(monkeypatch)
    resize(transfer_id, 4000)
    looking_up.adopt_transfer(transfer_id=transfer_id, at=NOON + 26 * HOUR)

    with pytest.raises(CallInFlight):
        holding.cancel_payout(payout=payout, why="asked", at=NOON + 26 * HOUR)
    onboarding.close_payees(expert=payout.expert, rail="stripe", at=NOON + 26 * HOUR)

    payout.refresh_from_db()
    assert payout.state == "held"


def test_reconciliation_goes_on_past_a_late_transfer_of_another_amount(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payout, transfer_id = _given_up(monkeypatch)
    resize(transfer_id, 4000)

    assert reconcile(NOON + 26 * HOUR) == {"missing_in_ledger": (0, -4000)}
    assert reconcile(NOON + 27 * HOUR) == {"missing_in_ledger": (0, -4000)}

    payout.refresh_from_db()
    assert payout.state == "held"


def test_a_payout_that_two_people_release_after_a_late_transfer_stays_released(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payout, transfer_id = _given_up(monkeypatch)
    resize(transfer_id, 4000)
    at = NOON + 26 * HOUR
    looking_up.adopt_transfer(transfer_id=transfer_id, at=at)
    row = propose_resolution(row=Break.objects.get(), note="Ours to lose.", by=make.user(), at=at)
    proposing.approve(proposal=row, by=make.user(), at=at)
    why = "Stripe takes the first one back."
    row = releasing.propose_release(payout=payout, why=why, by=make.user(), at=at)
    proposing.approve(proposal=row, by=make.user(), at=at)

    looking_up.adopt_transfer(transfer_id=transfer_id, at=at + HOUR)

    payout.refresh_from_db()
    assert payout.state == "reserved"


def test_an_old_look_at_an_account_does_not_undo_a_newer_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make.onboarded()
    account_id, by = str(Payee.objects.get().account_id), make.user().id
    real, looks = gateway(), list[str]()

    def read_slowly(*, account_id: str) -> Recipient:
        seen = real.read_recipient(account_id=account_id)
        looks.append(account_id)
        if len(looks) == 1:
            sandboxing.restore_account(account_id=account_id, by=by, at=NOON)
            onboarding.sync_payee(account_id=account_id, at=NOON + MINUTE)
        return seen

    sandboxing.restrict_account(account_id=account_id, by=by, at=NOON)
    slow = SimpleNamespace(read_recipient=read_slowly)
    monkeypatch.setattr(onboarding, "gateway", lambda: slow)

    onboarding.sync_payee(account_id=account_id, at=NOON + MINUTE)

    assert Payee.objects.get().state == "active"
    assert len(looks) == 3
