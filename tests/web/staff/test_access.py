"""Who gets into which page of staff, and who may act there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from marketplace.people.models import User
from payouts.models import PayoutRun
from tests import make
from tests.web.staff import cast

pytestmark = pytest.mark.django_db

ROLES = ("vetting", "quality", "finance", "support", "auditor")
LISTS = {
    "queues": ROLES,
    "applications": ("vetting", "quality", "auditor"),
    "credentials": ("vetting",),
    "catalogue": ("vetting", "quality", "auditor"),
    "assessments": ("vetting", "quality", "auditor"),
    "runs": ("finance", "auditor"),
    "payouts": ("finance", "auditor"),
    "ledger": ("finance", "auditor"),
    "accounts": ("finance", "auditor"),
    "jobs": ROLES,
    "events": ("auditor",),
    "sandbox": ("finance", "auditor"),
}


@pytest.mark.parametrize("name", LISTS)
def test_page_opens_for_its_roles_and_for_nobody_else(name: str) -> None:
    url = reverse(f"staff:{name}")

    answers = {role: cast.enter(cast.staff(role)).get(url).status_code for role in ROLES}

    assert answers == {role: 200 if role in LISTS[name] else 403 for role in ROLES}
    assert cast.enter(make.user("Eve Stranger")).get(url).status_code == 404
    assert Client().get(url).status_code == 302


def test_menu_shows_only_what_the_role_may_open() -> None:
    seen = cast.text(cast.enter(cast.staff("vetting")).get("/staff/"))

    assert "/staff/credentials/" in seen
    assert "/staff/ledger/" not in seen
    assert "/staff/events/" not in seen


def _run_act(by: User) -> str:
    return reverse("staff:act_on_run", args=[cast.closed_run(by).pk, "approve"])


def _payout_act(by: User) -> str:
    payout = cast.payout_of(cast.closed_run(by))
    return reverse("staff:act_on_payout", args=[payout.pk, "hold"])


MONEY_ACTS: dict[str, Callable[[User], str]] = {
    "open a run": lambda _: reverse("staff:open_run"),
    "approve a run": _run_act,
    "hold a payout": _payout_act,
    "arm a fault": lambda _: reverse("staff:arm_fault"),
    "move the clock": lambda _: reverse("staff:move_clock"),
}


@pytest.mark.parametrize("act", MONEY_ACTS)
def test_auditor_reads_the_money_and_moves_none(act: str) -> None:
    url = MONEY_ACTS[act](cast.staff("finance"))

    assert cast.enter(cast.staff("auditor")).post(url).status_code == 403
    assert cast.enter(make.user("Eve Stranger")).post(url).status_code == 404


@pytest.mark.parametrize("act", MONEY_ACTS)
def test_money_act_asks_again_for_the_password(act: str) -> None:
    url = MONEY_ACTS[act](cast.staff("finance"))
    client = Client()
    client.force_login(cast.staff("finance"))

    answer = client.post(url)

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/")


def test_money_act_goes_on_by_itself_once_the_password_was_given() -> None:
    client = Client()
    client.force_login(cast.staff("finance"))
    client.post(reverse("staff:open_run"), {"currency": "USD"})

    client.post(
        "/accounts/reauthenticate/",
        {"password": make.PASSWORD, "next": reverse("staff:open_run")},
    )

    assert PayoutRun.objects.get().currency == "USD"


def test_demo_waives_the_password(settings: Settings) -> None:
    settings.DEMO = True
    client = Client()
    client.force_login(cast.staff("finance"))

    answer = client.post(reverse("staff:open_run"), {"currency": "USD"})

    assert answer.headers["Location"].startswith("/staff/runs/")


def test_staff_without_a_second_factor_see_only_how_to_set_it_up() -> None:
    lazy = cast.newly_hired("finance")

    assert cast.enter(lazy).get("/staff/ledger/").headers["Location"] == "/accounts/2fa/"


@pytest.mark.parametrize("role", ["auditor", "quality"])
def test_only_vetting_decides_a_case(role: str) -> None:
    found = cast.applied(cast.domain())
    other: dict[str, Any] = {"outcome": "approved"}

    answer = cast.enter(cast.staff(role)).post(
        reverse("staff:propose_application", args=[found.pk]), other
    )

    assert answer.status_code == 403


def test_auditor_neither_retries_nor_cancels_a_job() -> None:
    job = cast.dead_job()
    auditor = cast.enter(cast.staff("auditor"))

    assert auditor.get(reverse("staff:job", args=[job.pk])).status_code == 200
    assert auditor.post(reverse("staff:retry_job", args=[job.pk])).status_code == 403
    assert auditor.post(reverse("staff:cancel_job", args=[job.pk])).status_code == 403


def test_roles_are_read_once_for_a_page() -> None:
    client = cast.enter(cast.staff("vetting"))

    with CaptureQueriesContext(connection) as seen:
        client.get("/staff/credentials/")

    assert sum('FROM "people_staffrole"' in each["sql"] for each in seen) == 1
