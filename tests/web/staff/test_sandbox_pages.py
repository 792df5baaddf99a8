"""What finance may let happen at the sandbox's Stripe."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from marketplace.events.models import Event
from marketplace.people.models import User
from payouts.models import Payout, SandboxFault, SandboxObject
from payouts.services import sandboxing
from tests.payouts import make as money
from tests.web.staff import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def fay() -> User:
    return cast.staff("finance")


def page(fay: User, show: str) -> str:
    return cast.text(cast.enter(fay).get(reverse("staff:sandbox_objects"), {"show": show}))


def press(fay: User, button: str, object_id: str) -> int:
    url = reverse("staff:press_sandbox", args=[button, object_id])
    return int(cast.enter(fay).post(url).status_code)


def pay_in(act: str) -> str:
    row = money.start_funding(money.organization(), money.usd(10_000))
    sandboxing.act_on_checkout(session_id=str(row.session_id), act=act)
    return str(row.session_id)


def of(type_: str) -> SandboxObject:
    return SandboxObject.objects.filter(type=type_).latest("position")


def test_a_payment_is_charged_back_and_won(fay: User) -> None:
    pay_in("pay")
    assert "Open a chargeback" in page(fay, "payments")

    press(fay, "open_chargeback", of("charge").object_id)
    assert "Let us win" in page(fay, "chargebacks")
    press(fay, "win_chargeback", of("dispute").object_id)

    assert of("dispute").body["status"] == "won"
    assert "Let us win" not in page(fay, "chargebacks")
    pressed = Event.objects.filter(kind="sandbox.button_pressed", actor=fay.pk)
    assert pressed.count() == 2


def test_a_debit_waits_for_its_bank(fay: User) -> None:
    session = pay_in("debit")
    assert session in page(fay, "debits")

    press(fay, "settle_debit", session)

    assert "Nothing of this kind" in page(fay, "debits")
    assert of("charge").body["paid"]


def test_a_bank_sends_back_what_it_took_and_another_takes_it(fay: User) -> None:
    money.owed(5000)
    payout = money.send(money.approved_run())
    money.drain()
    assert "Send the money back" in page(fay, "bank")

    press(fay, "fail_bank", of("payout").object_id)
    assert "Pay another bank account" in page(fay, "bank")
    press(fay, "change_bank", of("payout").object_id)
    money.drain()

    payout.refresh_from_db()
    assert payout.state == "paid"
    assert Payout.objects.count() == 1


def test_our_own_money_moves_both_ways(fay: User) -> None:
    client, url = cast.enter(fay), reverse("staff:move_own_money")

    client.post(url, {"way": "in", "amount": "7.00"})
    client.post(url, {"way": "out", "amount": "3.00"})
    wrong = client.post(url, {"way": "in", "amount": "0"})

    lines = SandboxObject.objects.filter(type="balance_transaction").order_by("position")
    assert [row.body["amount"] for row in lines] == [700, -300]
    assert wrong.status_code == 422


@pytest.mark.parametrize(
    ("kind", "path", "status"),
    [
        ("rate_limit", "/v1/transfers", 302),
        ("rate_limit", "get /v1/", 302),
        ("rate_limit", "", 422),
        ("duplicate_event", "payout.", 302),
        ("duplicate_event", "/v1/transfers", 422),
        ("bank_refuses", "", 302),
        ("bank_refuses", "payout.", 422),
    ],
)
def test_a_fault_is_armed_only_where_it_can_happen(
    fay: User, kind: str, path: str, status: int
) -> None:
    sent = {"kind": kind, "path": path, "times": "1"}

    answer = cast.enter(fay).post(reverse("staff:arm_fault"), sent)

    assert answer.status_code == status
    assert SandboxFault.objects.exists() == (status == 302)


def test_an_unknown_button_or_object_changes_nothing(fay: User) -> None:
    pay_in("pay")
    before = SandboxObject.objects.count()

    press(fay, "explode", of("charge").object_id)
    press(fay, "open_chargeback", "ch_nobody")

    assert SandboxObject.objects.count() == before


def test_an_auditor_sees_no_buttons(fay: User) -> None:
    pay_in("pay")
    charge = of("charge").object_id

    seen = page(cast.staff("auditor"), "payments")

    assert charge in seen
    assert "Open a chargeback" not in seen
    assert press(cast.staff("auditor"), "open_chargeback", charge) == 403


def test_there_are_no_buttons_where_money_is_real(fay: User, settings: Settings) -> None:
    pay_in("pay")
    charge = of("charge").object_id
    settings.PAYMENTS_MODE = "stripe"

    assert press(fay, "open_chargeback", charge) == 404
    assert cast.enter(fay).get(reverse("staff:sandbox_objects")).status_code == 404
    assert not SandboxObject.objects.filter(type="dispute").exists()


@pytest.mark.parametrize("show", ["payments", "debits"])
def test_three_objects_take_as_many_queries_as_one(fay: User, show: str) -> None:
    client, url = cast.enter(fay), reverse("staff:sandbox_objects")
    act = "pay" if show == "payments" else "debit"
    pay_in(act)
    client.get(url, {"show": show})
    with CaptureQueriesContext(connection) as one:
        client.get(url, {"show": show})

    pay_in(act)
    pay_in(act)
    with CaptureQueriesContext(connection) as three:
        client.get(url, {"show": show})

    assert len(three) == len(one)
