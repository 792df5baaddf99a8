from __future__ import annotations

import pytest

from marketplace.events.models import EventSeal
from marketplace.events.selectors import verify_chain
from marketplace.jobs.models import Job
from tests.chaos.world.world import World
from tests.servers.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.xdist_group("chaos")]


def test_wiping_redis_loses_nothing(world: World) -> None:
    accepted = world.accept_payouts(30)
    world.forget_messages()
    accepted += world.accept_payouts(30)
    world.lose_broker()
    accepted += world.accept_payouts(30)
    world.revive()
    accepted += world.accept_payouts(30)
    world.forget_messages()

    until(lambda: world.alive() and len(world.paid()) >= 120, seconds=60)

    assert world.paid() == sorted(accepted)
    assert world.paid_outside() == set(accepted)
    until(lambda: Job.objects.filter(state="done").count() == 120)
    until(lambda: EventSeal.objects.count() == 120)
    assert verify_chain().problems == []
