"""The pages of rules with numbers and of taking back."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from payouts.models import Clawback, Earning, Policy, Proposal
from payouts.selectors.earnings import expert_balance
from payouts.selectors.proposals import sentence
from payouts.services import proposing
from payouts.services.clawing_back import make_clawback, propose_clawback
from payouts.services.overturning import appeal_clawback
from tests.make import NOON
from tests.payouts import make as money
from tests.payouts.make import usd
from tests.web.staff import cast

pytestmark = pytest.mark.django_db
MESSAGE = "Your answers to these forty tasks were copied from another person, word for word."
RULES = "staff:policies"
NEW = {
    "kind": "payout_minimum",
    "value": "25.00",
    "currency": "USD",
    "why": "Agreed in the meeting of November.",
}


def words(response: Any) -> str:  # Any: the test client's own
    return " ".join(strip_tags(cast.text(response).replace("<", " <")).split())


def proposed(earning: Earning, minor: int) -> Clawback:
    return propose_clawback(
        earning=earning,
        amount=usd(minor),
        reason="proven_fraud",
        message=MESSAGE,
        evidence=["Submission 12 equals submission 40."],
        by=money.user("Quinn Quality"),
        at=NOON,
    )


def test_a_rule_shows_what_it_changes_and_is_then_set_in_minor_units() -> None:
    client = cast.enter(cast.staff("finance"))

    preview = words(client.get(reverse(RULES), NEW))
    assert "Until then 10.00 USD New 25.00 USD from now" in preview
    assert not Policy.objects.exists()
    client.post(reverse("staff:change_policy"), NEW)

    row = Policy.objects.get()
    assert (row.kind, row.value, row.currency) == ("payout_minimum", 2500, "USD")
    assert "Least payout USD 25.00 USD" in words(client.get(reverse(RULES)))


def test_the_numbers_of_the_settings_stand_there_without_any_rule() -> None:
    page = words(cast.enter(cast.staff("auditor")).get(reverse(RULES)))

    assert "Fee, percent everybody 15.00 %" in page
    assert "Hold, hours everybody 72 h" in page
    assert "Least payout USD 10.00 USD" in page
    assert "Most per run USD no limit" in page


def test_a_rule_that_lets_money_out_waits_for_a_second_person() -> None:
    client = cast.enter(cast.staff("finance"))

    client.post(
        reverse("staff:change_policy"), {**NEW, "kind": "fee_basis_points", "value": "12.5"}
    )

    assert not Policy.objects.exists()
    waiting = Proposal.objects.get()
    assert "Set “fee on top of pay” to 12.50 % for USD from" in sentence(waiting)
    proposing.approve(proposal=waiting, by=money.user(), at=NOON)
    assert Policy.objects.get().value == 1250


def test_a_number_without_sense_is_refused_at_its_field() -> None:
    client = cast.enter(cast.staff("finance"))

    answer = client.post(reverse("staff:change_policy"), {**NEW, "currency": ""})

    assert answer.status_code == 422
    assert "An amount needs a currency." in cast.text(answer)


def test_an_auditor_reads_the_rules_and_changes_none() -> None:
    client = cast.enter(cast.staff("auditor"))

    page = client.get(reverse(RULES))

    assert "A new number" not in cast.text(page)
    assert client.post(reverse("staff:change_policy"), NEW).status_code == 403


def test_quality_finds_the_work_and_proposes_and_finance_takes_it_back() -> None:
    earning = money.available(money.expert(), 1000)
    quality = cast.enter(cast.staff("quality", name="Quinn Quality"))
    finance = cast.enter(cast.staff("finance", name="Fay Finance"))

    form = quality.get(reverse("staff:clawbacks"), {"work": str(earning.pk)}, follow=True)
    assert "10.00 USD" in cast.text(form)
    quality.post(
        reverse("staff:send_clawback", args=[earning.pk]),
        {
            "amount": "4.00",
            "reason": "proven_fraud",
            "message": MESSAGE,
            "evidence": "Submission 12 equals submission 40.\n\nThe same address.",
        },
    )
    row = Clawback.objects.get()
    make_it = reverse("staff:decide_clawback", args=[row.pk, "make"])
    assert quality.post(make_it).status_code == 403
    finance.post(make_it)

    row.refresh_from_db()
    assert (row.state, row.evidence) == (
        "made",
        ["Submission 12 equals submission 40.", "The same address."],
    )
    assert expert_balance(earning.expert, "USD").available == usd(600)


def test_whoever_proposed_it_is_offered_no_decision() -> None:
    fay = cast.staff("finance")
    row = proposed(money.available(money.expert(), 1000), 400)
    Clawback.objects.filter(pk=row.pk).update(proposed_by=fay)

    page = cast.text(cast.enter(fay).get(reverse("staff:clawback", args=[row.pk])))

    assert "Somebody else decides about this one." in page


def test_an_appeal_shows_the_pseudonym_and_leads_to_the_evidence_and_back() -> None:
    who = money.expert()
    who.user.name = "Real Name"
    who.user.save(update_fields=["name"])
    row = proposed(money.available(who, 1000), 400)
    row = make_clawback(clawback=row, by=money.user(), at=NOON)
    appeal_clawback(clawback=row, why="I wrote every one myself.", by=who.user, at=NOON)
    client = cast.enter(cast.staff("finance"))
    url = reverse("staff:clawback", args=[row.pk])

    asked = cast.text(client.get(reverse("staff:proposals")))
    about = cast.text(client.get(url))

    assert (who.pseudonym in asked, "Real Name" in asked) == (True, False)
    assert url in asked
    assert ("I wrote every one myself." in about, "Real Name" in about) == (True, False)


def test_one_s_own_earning_cannot_be_found() -> None:
    sam = cast.staff("quality")
    who = money.expert()
    type(who).objects.filter(pk=who.pk).update(user=sam)
    earning = money.available(who, 1000)

    answer = cast.enter(sam).get(reverse("staff:propose_clawback", args=[earning.pk]))

    assert answer.status_code == 404


def test_a_debt_is_shown_and_proposed_to_be_written_off() -> None:
    who = money.owed(5000)
    money.send(money.approved_run())
    row = proposed(Earning.objects.get(expert=who), 3000)
    make_clawback(clawback=row, by=money.user(), at=NOON)
    client = cast.enter(cast.staff("finance"))

    page = client.get(reverse("staff:clawbacks"))
    assert "30.00 USD" in cast.text(page)
    debt = page.context["debts"][0]["row"]
    client.post(reverse("staff:write_off", args=[debt.pk]), {"why": "Cannot be reached."})

    assert Proposal.objects.get().terms["minor"] == 3000


@pytest.mark.parametrize("name", [RULES, "staff:clawbacks"])
def test_a_list_takes_the_same_queries_for_one_row_and_three(name: str) -> None:
    client = cast.enter(cast.staff("finance"))

    def add() -> None:
        proposed(money.available(money.expert(), 1000), 400)
        values = {**NEW, "currency": "EUR" if Policy.objects.exists() else "USD"}
        client.post(reverse("staff:change_policy"), values)

    add()
    one = cast.queries(client, reverse(name))
    add()
    add()

    assert cast.queries(client, reverse(name)) == one
