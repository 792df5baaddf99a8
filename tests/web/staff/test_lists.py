"""Lists of staff: empty, and as many queries for three rows as for one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse

from marketplace.people.models import User
from payouts.services import running_payouts
from tests import make
from tests.make import NOON
from tests.payouts import make as money
from tests.vetting import build
from tests.web.staff import cast

pytestmark = pytest.mark.django_db

EMPTY = {
    "applications": "Nothing waiting.",
    "credentials": "Nothing waiting.",
    "catalogue": "No domains yet",
    "assessments": "No tests yet",
    "runs": "No runs here",
    "payouts": "No payouts here",
    "ledger": "Nothing is booked yet",
    "accounts": "No accounts here",
    "jobs": "No jobs here",
    "sandbox": "No accounts yet",
}


@pytest.fixture
def all_of_them() -> User:
    return cast.staff("vetting", "finance", "auditor", "quality")


@pytest.mark.parametrize("name", EMPTY)
def test_empty_page_says_what_would_fill_it(name: str, all_of_them: User) -> None:
    assert EMPTY[name] in cast.text(cast.enter(all_of_them).get(reverse(f"staff:{name}")))


def _tried(number: int) -> None:
    build.assessment(make.skill("law"), slug=f"test-{number}", size=3, minimum=1, maximum=3)


def _ran(_: int) -> None:
    run = cast.closed_run(make.user())
    running_payouts.approve_run(run=run, by=make.user(), at=NOON)


FILLS: dict[str, Callable[[int], object]] = {
    "applications": lambda _: cast.applied(cast.domain()),
    "credentials": lambda _: cast.credential(),
    "catalogue": lambda n: cast.domain(f"field-{n}"),
    "assessments": _tried,
    "runs": _ran,
    "payouts": _ran,
    "accounts": lambda _: money.pay_in(money.organization(), make.usd(100)),
    "jobs": lambda n: cast.dead_job(f"job-{n}"),
    "events": lambda _: cast.credential(),
    "sandbox": lambda _: money.onboarded(),
    "queues": lambda _: cast.credential(),
}


@pytest.mark.parametrize("name", FILLS)
def test_three_rows_take_as_many_queries_as_one(name: str, all_of_them: User) -> None:
    client, url = cast.enter(all_of_them), reverse(f"staff:{name}")
    FILLS[name](1)
    one = cast.queries(client, url)

    FILLS[name](2)
    FILLS[name](3)

    assert cast.queries(client, url) == one
    assert one <= 25


def test_list_goes_on_by_key(all_of_them: User) -> None:
    for number in range(26):
        cast.domain(f"field-{number}")
    client = cast.enter(all_of_them)

    first = client.get(reverse("staff:catalogue"))
    rest = client.get(reverse("staff:catalogue") + first.context["page"].next_url)

    assert [len(page.context["rows"]) for page in (first, rest)] == [25, 1]


def test_entries_go_on_by_their_number(all_of_them: User) -> None:
    owner = money.organization()
    for _ in range(27):
        money.pay_in(owner, make.usd(100))
    client = cast.enter(all_of_them)
    url = reverse("staff:account", args=[money.wallet(owner).pk])

    first = client.get(url)
    rest = client.get(url + first.context["page"].next_url)

    shown = [[each["entry"].account_version for each in p.context["rows"]] for p in (first, rest)]
    assert shown == [list(range(27, 2, -1)), [2, 1]]
