"""A process that dies anywhere while it sends: the money arrives once and is booked once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payouts.models import Payout, Posting
from payouts.selectors.invariants import check_ledger
from payouts.services import sending, sweeping
from tests.payouts import make
from tests.payouts.make import NOON

pytestmark = pytest.mark.django_db(transaction=True)


class Crash(BaseException):
    """The process ends here."""


@pytest.mark.parametrize(
    "place",
    [
        "payouts.services.sending.start_run",  # before anything
        "payouts.services.sending.mark_sending",  # inside the claim
        "payouts.services.sending.deliver",  # after the claim, before the call
        "payouts.services.sending.outcomes.succeed",  # after the call, before the record
        "payouts.services.outcomes.ledger.post",  # inside the record
        "payouts.services.outcomes.note",  # inside the record, after the posting
        "payouts.services.sending.finish_run",  # after the record
    ],
)
def test_a_crash_at_any_step_converges(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    make.owed(5000)
    run = make.approved_run()

    def die(*_args: object, **_kwargs: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(place, die)
        with pytest.raises(Crash):
            sending.send_some(run_id=run.id, at=NOON)
    later = NOON + timedelta(minutes=5)
    sending.send_some(run_id=run.id, at=later)
    sweeping.sweep_attempts(at=later)

    run.refresh_from_db()
    assert (run.state, Payout.objects.get().state) == ("done", "transferred")
    assert make.transfers() == [5000]
    assert Posting.objects.filter(kind="transfer_made").count() == 1
    assert check_ledger(NOON).broken == ()
