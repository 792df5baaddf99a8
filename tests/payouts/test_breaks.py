"""Differences between the books: kept once, explained by two people, gone by themselves."""

from __future__ import annotations

import pytest

from marketplace.events.models import Event
from marketplace.kit.errors import Forbidden, InvalidInput
from marketplace.kit.states import IllegalTransition
from marketplace.organizations.models import Membership
from payouts.models import Break
from payouts.services import breaking, ledger, proposing
from payouts.services.accounts import account
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db

WHY = "Stripe took a fee that its report explains."


def _difference(minor: int = 300, kind: str = "balance_mismatch") -> Break:
    return breaking.open_break(
        kind=kind,
        ref="USD",
        currency="USD",
        expected_minor=1000,
        found_minor=1000 - minor,
        detail="The provider holds less than the books.",
        at=NOON,
    )


def _fee_legs(minor: int = 300) -> list[ledger.Leg]:
    fees = account("psp_fees", currency="USD")
    return [ledger.Leg.debit(fees, usd(minor)), ledger.Leg.credit(make.clearing(), usd(minor))]


def test_difference_is_open_once_and_shows_its_latest_figures() -> None:
    first = _difference(300)

    again = _difference(400)

    assert (again.id, again.found_minor) == (first.id, 600)
    assert Event.objects.filter(kind="break.opened").count() == 1


def test_two_people_resolve_a_difference_and_book_its_correction() -> None:
    row = _difference()
    proposal = breaking.propose_resolution(
        row=row, note=WHY, legs=_fee_legs(), by=make.user(), at=NOON
    )

    proposing.approve(proposal=proposal, by=make.user("Kim Checker"), at=NOON)

    row.refresh_from_db()
    assert (row.state, row.note) == ("resolved", WHY)
    assert row.posting is not None
    assert (row.posting.kind, row.posting.key) == ("correction", f"correction:{row.id}")
    assert make.balance(make.clearing()) == -300


def test_nobody_resolves_a_difference_alone() -> None:
    row, fay = _difference(), make.user()
    proposal = breaking.propose_resolution(row=row, note=WHY, by=fay, at=NOON)

    with pytest.raises(proposing.SamePerson):
        proposing.approve(proposal=proposal, by=fay, at=NOON)

    row.refresh_from_db()
    assert row.state == "open"


def test_correction_that_does_not_balance_is_refused() -> None:
    row = _difference()

    with pytest.raises(InvalidInput):
        breaking.propose_resolution(
            row=row, note=WHY, legs=_fee_legs()[:1], by=make.user(), at=NOON
        )


def test_correction_in_another_currency_is_refused() -> None:
    row = _difference()
    fees, clearing = account("psp_fees", currency="EUR"), make.clearing("EUR")
    legs = [ledger.Leg(fees, "D", 300), ledger.Leg(clearing, "C", 300)]

    with pytest.raises(InvalidInput):
        breaking.propose_resolution(row=row, note=WHY, legs=legs, by=make.user(), at=NOON)


def test_resolution_of_another_difference_is_not_booked() -> None:
    row = _difference(300)
    proposal = breaking.propose_resolution(
        row=row, note=WHY, legs=_fee_legs(), by=make.user(), at=NOON
    )
    _difference(400)

    with pytest.raises(breaking.BreakChanged):
        proposing.approve(proposal=proposal, by=make.user(), at=NOON)

    assert make.balance(make.clearing()) == 0


def test_difference_that_has_gone_closes_itself_and_takes_no_correction() -> None:
    row = _difference()
    proposal = breaking.propose_resolution(
        row=row, note=WHY, legs=_fee_legs(), by=make.user(), at=NOON
    )

    breaking.close_gone(kind="balance_mismatch", ref="USD", at=NOON)

    with pytest.raises(IllegalTransition):
        proposing.approve(proposal=proposal, by=make.user(), at=NOON)
    row.refresh_from_db()
    assert (row.state, row.resolved_by, row.posting) == ("resolved", None, None)
    assert make.balance(make.clearing()) == 0


def test_accepted_difference_opens_again_only_when_it_is_another() -> None:
    row = _difference(300)
    proposal = breaking.propose_resolution(row=row, note=WHY, by=make.user(), at=NOON)
    proposing.approve(proposal=proposal, by=make.user(), at=NOON)

    same, other = _difference(300), _difference(301)

    assert same.id == row.id
    assert (other.id != row.id, other.state) == (True, "open")


def test_difference_that_closed_itself_opens_again() -> None:
    _difference()
    breaking.close_gone(kind="balance_mismatch", ref="USD", at=NOON)

    again = _difference()

    assert again.state == "open"
    assert Break.objects.count() == 2


def test_one_person_answers_for_a_difference() -> None:
    row, fay = _difference(), make.user()

    breaking.take_break(row=row, owner=fay)

    row.refresh_from_db()
    assert row.owner == fay


def test_nobody_corrects_what_an_expert_holds() -> None:
    row, who = _difference(), make.expert()
    theirs = account("expert_available", currency="USD", expert=who)
    legs = [*_fee_legs()[:1], ledger.Leg.credit(theirs, usd(300))]

    with pytest.raises(InvalidInput) as refused:
        breaking.propose_resolution(row=row, note=WHY, legs=legs, by=make.user(), at=NOON)

    assert [error["field"] for error in refused.value.data["errors"]] == ["legs"]
    assert make.balance(theirs) == 0


def test_nobody_proposes_or_approves_a_correction_of_their_own_organisations_money() -> None:
    row, lab, member = _difference(), make.organization(), make.user()
    Membership.objects.create(user=member, organization=lab, role="billing", joined_at=NOON)
    legs = [*_fee_legs()[:1], ledger.Leg.credit(make.wallet(lab), usd(300))]

    with pytest.raises(Forbidden, match="money of yours"):
        breaking.propose_resolution(row=row, note=WHY, legs=legs, by=member, at=NOON)
    proposal = breaking.propose_resolution(row=row, note=WHY, legs=legs, by=make.user(), at=NOON)
    with pytest.raises(Forbidden, match="money of yours"):
        proposing.approve(proposal=proposal, by=member, at=NOON)

    assert make.balance(make.wallet(lab)) == 0
