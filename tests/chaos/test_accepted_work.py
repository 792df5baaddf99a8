from __future__ import annotations

import random
import threading
from collections.abc import Callable
from uuid import UUID

import pytest
import urllib3

from marketplace.events.models import EventSeal
from marketplace.events.selectors import verify_chain
from marketplace.jobs.models import Job
from marketplace.kit.ids import uuid7
from tests.chaos.world.world import WORKERS, World
from tests.servers.waiting import until

SEED = 20261120

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.xdist_group("chaos")]


class Client:
    """Posts payouts one after the other and remembers which were answered with 2xx."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._pool = urllib3.PoolManager(retries=False, timeout=5)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._post_until_told)
        self.accepted: list[UUID] = []
        self.refused = 0

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def has_accepted(self, count: int) -> Callable[[], bool]:
        return lambda: len(self.accepted) >= count

    def _post_until_told(self) -> None:
        while not self._stop.is_set():
            payout_id = uuid7()
            try:
                answer = self._pool.request("POST", f"{self._address}/payouts/{payout_id}")
            except urllib3.exceptions.HTTPError:
                self.refused += 1
                continue
            if answer.status == 202:
                self.accepted.append(payout_id)
            else:
                self.refused += 1


def test_accepted_work_survives_every_fault(world: World) -> None:
    chance = random.Random(SEED)
    faults = 2 * [
        world.forget_messages,
        world.lose_broker,
        world.kill_database,
        world.kill_web,
        lambda: world.kill_worker(chance.choice(WORKERS)),
        lambda: world.kill_child(chance.choice(WORKERS)),
    ]
    chance.shuffle(faults)

    with Client(world.open_web()) as client:
        for number, fault in enumerate(faults, 1):
            until(client.has_accepted(25 * number), seconds=60)
            fault()
            world.reconnect()
            world.revive()

    accepted = set(client.accepted)
    assert client.refused, f"seed {SEED} disturbed nobody"
    until(lambda: world.alive() and not Job.objects.exclude(state="done").exists(), seconds=120)
    assert Job.objects.filter(attempts__gt=1).exists(), f"seed {SEED} killed nobody at work"
    paid = world.paid()
    assert accepted - set(paid) == set(), f"lost with seed {SEED}"
    assert len(paid) == len(set(paid)), f"doubled with seed {SEED}"
    assert world.paid_outside() == set(paid)
    until(lambda: EventSeal.objects.count() == len(paid))
    assert verify_chain().problems == []

    until(lambda: world.answering() == set(WORKERS), seconds=30)
    world.accept_payouts(40)
    until(lambda: len(world.paid()) == len(paid) + 40, seconds=30)
