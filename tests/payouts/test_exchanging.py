"""The operator's bank exchanges money: two people, two linked postings, an exact rate."""

from __future__ import annotations

import pytest
from django.db import connection

from marketplace.kit.errors import InvalidInput
from marketplace.kit.money import Money
from marketplace.kit.rates import Rate
from payouts.models import Posting, Proposal
from payouts.selectors.exchanges import effects, last_rate
from payouts.selectors.invariants import check_ledger
from payouts.selectors.proposals import sentence
from payouts.services import granting, ledger, proposing
from payouts.services.accounts import account
from payouts.services.exchanging import (
    ExchangeKnown,
    UnusualRate,
    propose_exchange,
    propose_unusual_exchange,
)
from payouts.services.proposing import AlreadyProposed, SamePerson
from payouts.services.wiring import confirm_wire, enter_wire
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.test_granting import in_house

pytestmark = pytest.mark.django_db
WHY = "Experts in Europe are paid in euro."


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def jpy(minor: int) -> Money:
    return Money(minor, "JPY")


def asked(sold: Money, bought: Money, reference: str = "FX 2026-0077") -> Proposal:
    by = make.user()
    return propose_exchange(sold=sold, bought=bought, reference=reference, why=WHY, by=by, at=NOON)


def exchanged(sold: Money, bought: Money, reference: str = "FX 2026-0077") -> Proposal:
    row = asked(sold, bought, reference)
    return proposing.approve(proposal=row, by=make.user(), at=NOON)


def bank(currency: str) -> int:
    return make.balance(account("platform_bank", currency=currency))


def test_an_exchange_is_two_linked_postings_in_two_currencies() -> None:
    exchanged(usd(100_000), eur(92_000))

    sides = Posting.objects.order_by("currency").values_list("currency", "kind", "external_ref")
    (euro, bought, ref), (dollar, sold, same) = sides
    assert (euro, bought, dollar, sold) == ("EUR", "fx_bought", "USD", "fx_sold")
    assert ref == same
    assert (bank("USD"), bank("EUR")) == (-100_000, 92_000)
    assert check_ledger(NOON).broken == ()


def test_nothing_is_booked_before_a_second_person_agrees() -> None:
    row = asked(usd(100_000), eur(92_000))

    with pytest.raises(SamePerson):
        proposing.approve(proposal=row, by=row.proposed_by, at=NOON)

    assert Posting.objects.count() == 0


def test_a_reference_of_the_bank_is_booked_once() -> None:
    exchanged(usd(100_000), eur(92_000), "FX 77 a")

    with pytest.raises(ExchangeKnown, match="FX 77 A"):
        asked(usd(100_000), eur(92_000), " fx  77 A")
    asked(usd(100_000), eur(92_000), "FX 78")
    with pytest.raises(AlreadyProposed):
        asked(usd(100_000), eur(92_000), "FX 78")

    assert bank("EUR") == 92_000


@pytest.mark.parametrize(
    ("sold", "bought", "field"),
    [
        (usd(0), eur(100), "sold"),
        (usd(100), eur(-1), "bought"),
        (usd(100), usd(100), "bought"),
        (usd(2**54), eur(100), "sold"),
    ],
)
def test_what_is_no_exchange_is_refused_at_its_field(
    sold: Money, bought: Money, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        asked(sold, bought)

    assert [each["field"] for each in refused.value.data["errors"]] == [field]
    assert Proposal.objects.count() == 0


def test_a_rate_far_from_the_last_one_is_asked_about_again() -> None:
    exchanged(usd(100_000), eur(90_000), "FX 1")
    asked(usd(100_000), eur(99_000), "FX 2")

    with pytest.raises(UnusualRate, match=r"1 USD = 0\.99001 EUR is more than 10 % off"):
        asked(usd(100_000), eur(99_001), "FX 3")
    with pytest.raises(UnusualRate, match="1 EUR = 100 USD"):
        asked(eur(100), usd(10_000), "FX 3")
    row = propose_unusual_exchange(
        sold=usd(100_000), bought=eur(99_001), reference="FX 3", why=WHY, by=make.user(), at=NOON
    )

    assert sentence(row) == (
        "Book that our bank took 1,000.00 USD and gave 990.01 EUR "
        "(1 USD = 0.99001 EUR, 10.1 % off the last rate), reference FX 3."
    )


def test_the_last_rate_counts_from_both_sides() -> None:
    exchanged(usd(100_000), jpy(149_525))

    assert str(last_rate(sold="USD", bought="JPY")) == "1 USD = 149.525 JPY"
    assert str(last_rate(sold="JPY", bought="USD")) == "1 JPY ≈ 0.00668784 USD"
    assert last_rate(sold="USD", bought="EUR") is None


@pytest.mark.parametrize(
    ("sold", "bought", "ratio", "words"),
    [
        (usd(100_000), eur(92_000), (23, 25), "1 USD = 0.92 EUR"),
        (usd(1), jpy(1), (100, 1), "1 USD = 100 JPY"),
        (jpy(1200), Money(2_450, "KWD"), (49, 24_000), "1 JPY ≈ 0.00204167 KWD"),
        (Money(1, "KWD"), usd(3), (30, 1), "1 KWD = 30 USD"),
        (usd(300), eur(200), (2, 3), "1 USD ≈ 0.666667 EUR"),
    ],
)
def test_a_rate_is_a_ratio_of_whole_numbers(
    sold: Money, bought: Money, ratio: tuple[int, int], words: str
) -> None:
    rate = Rate(sold=sold, bought=bought)

    assert rate.ratio == ratio
    assert str(rate) == words


def half_an_exchange(key: str, kind: str, amount: Money, ref: str) -> None:
    bridge, own = (account(each, currency=amount.currency) for each in ("fx", "platform_bank"))
    debited, credited = (bridge, own) if kind == "fx_sold" else (own, bridge)
    ledger.post(
        key=f"{key}:half",
        kind=kind,
        currency=amount.currency,
        legs=[ledger.Leg.debit(debited, amount), ledger.Leg.credit(credited, amount)],
        effective_at=NOON,
        external_ref=ref,
    )


DEFECTS = {
    "sold and never bought": ([("fx_sold", usd(500))], "it needs one of each"),
    "bought twice": (
        [("fx_sold", usd(500)), ("fx_bought", eur(400)), ("fx_bought", eur(400))],
        "it needs one of each",
    ),
    "one currency": (
        [("fx_sold", usd(500)), ("fx_bought", usd(500))],
        "both sides are in one currency",
    ),
    "nobody agreed": (
        [("fx_sold", usd(500)), ("fx_bought", eur(400))],
        "two people agreed to something else",
    ),
}


@pytest.mark.parametrize("what", DEFECTS)
def test_an_exchange_without_its_other_side_is_named(what: str) -> None:
    sides, said = DEFECTS[what]
    exchanged(usd(100_000), eur(92_000))

    for number, (kind, amount) in enumerate(sides):
        half_an_exchange(f"planted:{number}", kind, amount, "fx:planted")

    (broken,) = check_ledger(NOON).broken
    assert broken.invariant == "L11"
    assert broken.problem.startswith("exchange fx:planted: ")
    assert broken.problem.endswith(said)


def test_a_second_side_of_an_agreed_exchange_is_named() -> None:
    row = exchanged(usd(100_000), eur(92_000))

    half_an_exchange("planted", "fx_bought", eur(92_000), f"fx:{row.subject_id}")

    (broken,) = check_ledger(NOON).broken
    assert broken.problem == (
        f"exchange fx:{row.subject_id}: fx_sold 100000 USD, fx_bought 92000 EUR, "
        "fx_bought 92000 EUR; it needs one of each"
    )


def test_what_is_owed_has_to_be_there_in_its_own_currency() -> None:
    wire = enter_wire(
        organization=make.organization(),
        amount=usd(30_000),
        reference="MT103 1",
        by=make.user(),
        at=NOON,
    )
    confirm_wire(wire=wire, by=make.user(), at=NOON)
    before = check_ledger(NOON).warnings

    left = effects(Rate(sold=usd(20_000), bought=eur(18_000)))
    exchanged(usd(20_000), eur(18_000))

    assert before == ()
    assert [(str(each.bank_after), str(each.own_after), str(each.missing)) for each in left] == [
        ("100.00 USD", "-200.00 USD", "200.00 USD"),
        ("180.00 EUR", "180.00 EUR", "0.00 EUR"),
    ]
    assert [each.problem for each in check_ledger(NOON).warnings] == [
        "USD: at Stripe 0, in the bank 10000, owed 30000"
    ]


def test_a_grant_in_another_currency_is_backed_by_what_the_exchange_has_brought() -> None:
    lab = in_house()
    cash = granting.propose_deposit(amount=usd(100_000), why=WHY, by=make.user(), at=NOON)
    proposing.approve(proposal=cash, by=make.user(), at=NOON)
    grant = granting.request_grant(
        organization=lab,
        amount=eur(90_000),
        purchase_order="PO-1",
        cost_centre="R&D",
        by=make.user(),
        at=NOON,
    )
    granting.approve_grant(grant=grant, by=make.user(), at=NOON)
    before = [each.problem for each in check_ledger(NOON).warnings]

    exchanged(usd(100_000), eur(92_000))

    assert before == [
        "EUR: at Stripe 0, in the bank 0, owed 90000",
        "EUR: grants exceed the operator's own cash by 90000; confirm a deposit",
    ]
    assert check_ledger(NOON).warnings == ()


def test_capital_that_was_granted_backs_no_grant_in_another_currency() -> None:
    lab = in_house()
    cash = granting.propose_deposit(amount=usd(100_000), why=WHY, by=make.user(), at=NOON)
    proposing.approve(proposal=cash, by=make.user(), at=NOON)
    for amount in (usd(100_000), eur(92_000)):
        grant = granting.request_grant(
            organization=lab,
            amount=amount,
            purchase_order="PO-1",
            cost_centre="R&D",
            by=make.user(),
            at=NOON,
        )
        granting.approve_grant(grant=grant, by=make.user(), at=NOON)

    exchanged(usd(100_000), eur(92_000))

    found = [each.problem for each in check_ledger(NOON).warnings]
    assert "USD: grants exceed the operator's own cash by 100000; confirm a deposit" in found


def test_an_exchange_that_goes_round_its_bridge_is_named() -> None:
    exchange = exchanged(usd(100), eur(92))
    beside = account("platform_expense", currency="USD")
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE payouts_entry SET account_id = %s WHERE account_id = "
            "(SELECT id FROM payouts_account WHERE kind = 'fx' AND currency = 'USD')",
            [beside.id],
        )
        cursor.execute("SET session_replication_role = origin")

    found = [each.problem for each in check_ledger(NOON).broken if each.invariant == "L11"]

    assert found == [f"exchange fx:{exchange.subject_id}: fx_sold moves platform_expense"]
