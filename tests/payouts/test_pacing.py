"""How fast calls leave, how that slows down while Stripe is busy, and when it is fast again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import pytest
from pytest_django.fixtures import Settings

from payouts.models import Payout, SendingPace
from payouts.services import pacing, sending, sweeping
from payouts.services.pacing import LONGEST_PAUSE, Watch, back_off, keep_pace, slow_down
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=1)


@dataclass
class Clock:
    """A clock that moves only when somebody waits, or works."""

    seconds: float = 0.0

    def read(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds

    def watch(self) -> Watch:
        return Watch(NOON, clock=self.read, wait=self.pass_by)


@pytest.fixture(autouse=True)
def _ten_a_second(settings: Settings) -> None:
    settings.PAYOUT_RATE_PER_S = 10


def slots(watch: Watch, count: int, *, work: float = 0.0, clock: Clock | None = None) -> list[int]:
    """The milliseconds from NOON at which calls may leave that take `work` seconds each."""
    found = []
    for _ in range(count):
        slot = keep_pace(watch=watch, until=LATER)
        assert slot is not None
        found.append((slot - NOON) // timedelta(milliseconds=1))
        if clock:
            clock.pass_by(work)
    return found


def apart(times: list[int]) -> list[int]:
    return [after - before for before, after in pairwise(times)]


def test_calls_leave_at_the_set_rate_whatever_they_take() -> None:
    clock = Clock()

    times = slots(clock.watch(), 101, work=0.09, clock=clock)

    assert times == list(range(0, 10_001, 100))


def test_workers_share_one_rate() -> None:
    clock = Clock()
    first, second = clock.watch(), clock.watch()

    times = [slots(each, 1)[0] for each in (first, second, first, second)]

    assert times == [0, 100, 200, 300]


def test_an_idle_minute_is_not_made_up_for() -> None:
    clock = Clock()
    watch = clock.watch()
    slots(watch, 2)

    clock.pass_by(60)

    assert slots(watch, 3) == [60_100, 60_200, 60_300]


def test_no_slot_is_taken_after_the_end_of_the_job() -> None:
    watch = Clock().watch()
    slots(watch, 1)

    assert keep_pace(watch=watch, until=NOON + timedelta(milliseconds=100)) is None
    assert slots(watch, 1) == [100]


def test_each_busy_answer_halves_the_pace_and_quiet_gives_it_back() -> None:
    clock = Clock()
    watch = clock.watch()
    slots(watch, 1)

    slow_down(at=watch.now())
    once = slots(watch, 3)
    clock.pass_by(1)
    slow_down(at=watch.now())
    twice = slots(watch, 3)
    clock.pass_by(pacing.RECOVERY.total_seconds())
    better = slots(watch, 3)
    clock.pass_by(pacing.RECOVERY.total_seconds())
    well = slots(watch, 3)

    assert [apart(row) for row in (once, twice)] == [[200, 200], [400, 400]]
    assert [apart(row) for row in (better, well)] == [[200, 200], [100, 100]]


def test_the_pace_stops_falling_at_a_64th() -> None:
    clock = Clock()
    watch = clock.watch()
    for _ in range(20):
        clock.pass_by(10)
        slow_down(at=watch.now())

    assert SendingPace.objects.get().slowdowns == 6


def test_refusals_of_one_moment_count_once() -> None:
    for _ in range(5):
        slow_down(at=NOON)

    assert SendingPace.objects.get().slowdowns == 1


def test_a_slot_of_a_clock_that_ran_ahead_is_forgotten() -> None:
    SendingPace.objects.create(id=1, next_slot_at=NOON + timedelta(days=30))

    assert slots(Clock().watch(), 2) == [0, 100]


def test_the_pause_doubles_up_to_an_hour_and_differs_by_key() -> None:
    pauses = [back_off(key="a", sends=sends) for sends in range(1, 12)]

    for sends, pause in enumerate(pauses):
        middle = min(timedelta(seconds=30) * 2**sends, LONGEST_PAUSE)
        assert middle * 3 / 4 <= pause < middle * 5 / 4
    assert back_off(key="a", sends=1) == pauses[0]
    assert len({back_off(key=str(key), sends=3) for key in range(50)}) == 50


def test_row_05_a_busy_stripe_slows_the_run_down() -> None:
    client = make.stocked(usd(100_000))
    for _ in range(4):
        make.earned(make.onboarded(), 1500, client=client)
    make.fault("rate_limit")
    clock, run = Clock(), make.approved_run()

    sent = sending.send_some(run_id=run.id, at=NOON, watch=clock.watch())

    # 0.0 busy, then 0.2 apart; nothing is left for a fifth slot.
    times = Payout.objects.filter(state="transferred").order_by("transferred_at")
    after = [(row.transferred_at or NOON) - NOON for row in times]
    assert [each // timedelta(milliseconds=1) for each in after] == [100, 300, 500]
    assert sent == 4
    sweeping.sweep_attempts(at=NOON + timedelta(minutes=1))
    assert make.transfers() == [1500] * 4


def test_a_run_is_sent_at_its_rate_within_5_percent() -> None:
    client = make.stocked(usd(100_000))
    for _ in range(20):
        make.earned(make.onboarded(), 1500, client=client)
    clock, run = Clock(), make.approved_run()

    sending.send_some(run_id=run.id, at=NOON, watch=clock.watch())

    times = Payout.objects.order_by("transferred_at").values_list("transferred_at", flat=True)
    span = (times[19] or NOON) - (times[0] or NOON)
    assert timedelta(seconds=1.9) * 0.95 <= span <= timedelta(seconds=1.9) * 1.05


def test_a_slow_job_leaves_the_rest_to_the_next_one(settings: Settings) -> None:
    settings.PAYOUT_RATE_PER_S = 1
    client = make.stocked(usd(100_000))
    for _ in range(2):
        make.earned(make.onboarded(), 1500, client=client)
    run = make.approved_run()
    for hours in range(5, -1, -1):
        slow_down(at=NOON - timedelta(hours=hours))

    sent = sending.send_some(run_id=run.id, at=NOON, watch=Clock().watch())

    assert (sent, sorted(make.transfers())) == (1, [1500])
    make.drain()
    assert make.transfers() == [1500, 1500]
