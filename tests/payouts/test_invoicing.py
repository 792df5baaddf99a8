"""Invoices, receipts, fee papers and notes: who asks whom for what, and with which VAT."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from marketplace.kit.errors import InvalidInput, NotFound
from marketplace.kit.ids import uuid7
from marketplace.kit.states import IllegalTransition
from marketplace.organizations.models import Organization
from payouts.models import Document, Earning, Funding, Invoice, Policy
from payouts.selectors.parties import Party
from payouts.selectors.vat import looks_valid, vat_of
from payouts.services import invoicing, ledger, profiling, reserving, rounds, sending, wiring
from payouts.services.accounts import account
from payouts.services.monthly_papers import Made, make_papers
from payouts.services.receipting import issue_missing_receipts, issue_receipt
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db

NOVEMBER = date(2026, 11, 1)
AFTER = datetime(2026, 12, 1, 2, tzinfo=UTC)
BERLIN = Party("Lab GmbH", "Hauptstr. 1\n10115 Berlin", "DE", "DE 123 456 789", "PO-7")
SELLER = Party("Guild SL", "Calle 1, Madrid", "ES", "ESB12345678")


@pytest.fixture(autouse=True)
def operator(settings: Settings) -> None:
    settings.OPERATOR = {
        "legal_name": SELLER.name,
        "address": SELLER.address,
        "country": SELLER.country,
        "vat_number": SELLER.vat_number,
        "bank": "IBAN ES00",
    }


def vat_rate(country: str, basis_points: int) -> None:
    Policy.objects.create(
        kind="vat_basis_points",
        country=country,
        value=basis_points,
        why="by law",
        effective_at=NOON,
        made_by=make.user(),
        made_at=NOON,
    )


def client(party: Party = BERLIN) -> Organization:
    row = make.organization()
    profiling.set_billing_profile(organization=row, party=party, email="", by=uuid7(), at=NOON)
    return row


def asked(owner: Organization, minor: int = 5000, key: str = "a") -> Invoice:
    return invoicing.ask_for_invoice(
        organization=owner, amount=usd(minor), key=key, by=owner.pk, at=NOON
    )


def wired(owner: Organization, minor: int, **other: Any) -> Funding:
    values: dict[str, Any] = {
        "organization": owner,
        "method": "wire",
        "reference": f"W-{uuid7()}",
        "currency": "USD",
        "amount_minor": minor,
        "received_minor": minor,
        "state": "paid",
        "asked_by": uuid7(),
        "confirmed_by": uuid7(),
        "livemode": False,
        "created_at": NOON,
        "paid_at": NOON,
    }
    return Funding.objects.create(**values | other)


def test_an_invoice_says_who_asks_whom_for_what_until_when_and_where_to_pay() -> None:
    invoice = asked(client())

    paper = invoice.document
    assert (paper.number, invoice.state) == ("INV-2026-000001", "open")
    assert invoice.due_at == NOON + timedelta(days=14)
    assert paper.body["seller"]["name"] == "Guild SL"
    assert paper.body["buyer"] == {
        "name": "Lab GmbH",
        "address": "Hauptstr. 1\n10115 Berlin",
        "country": "DE",
        "vat_number": "DE123456789",
        "reference": "PO-7",
    }
    assert (paper.body["total"], paper.body["pay_to"]) == ({"minor": 5000}, "IBAN ES00")


def test_an_invoice_asked_for_twice_is_one() -> None:
    owner = client()

    assert asked(owner).pk == asked(owner).pk
    assert asked(owner, key="b").document.number == "INV-2026-000002"


def test_an_invoice_needs_an_amount_and_a_billing_profile() -> None:
    with pytest.raises(InvalidInput):
        asked(client(), 0)
    with pytest.raises(invoicing.BillingProfileMissing):
        asked(make.organization())


def test_a_confirmed_wire_that_covers_it_pays_the_invoice_once() -> None:
    owner = client()
    invoice, wire = asked(owner), wired(owner, 5000)

    for _ in range(2):
        invoicing.settle_invoice(invoice=invoice, funding=wire, at=AFTER)

    invoice.refresh_from_db()
    assert (invoice.state, invoice.funding, invoice.ended_at) == ("paid", wire, AFTER)
    with pytest.raises(IllegalTransition):
        invoicing.settle_invoice(invoice=invoice, funding=wired(owner, 5000), at=AFTER)


def test_a_wire_that_names_an_invoice_pays_it_when_it_is_confirmed() -> None:
    owner = client()
    invoice = asked(owner)
    wire = wiring.enter_wire(
        organization=owner,
        amount=usd(5000),
        reference="sepa 77 inv-2026-000001 lab",
        by=make.user(),
        at=NOON,
    )

    wiring.confirm_wire(wire=wire, by=make.user(), at=NOON)
    make.drain()

    invoice.refresh_from_db()
    assert (invoice.state, invoice.funding_id) == ("paid", wire.pk)
    assert Document.objects.filter(kind="receipt").count() == 1


def test_a_wire_that_names_another_clients_invoice_or_is_short_leaves_it_open() -> None:
    owner = client()
    invoice = asked(owner)

    for wire in (
        wired(client(), 5000, reference="X INV-2026-000001"),
        wired(owner, 4999, reference="Y INV-2026-000001"),
        wired(owner, 5000, reference="no number"),
    ):
        assert invoicing.settle_named_invoice(funding_id=wire.pk, at=AFTER) is None

    invoice.refresh_from_db()
    assert invoice.state == "open"


@pytest.mark.parametrize("minor", [4999, 1])
def test_a_wire_below_the_amount_does_not_pay_an_invoice(minor: int) -> None:
    owner = client()
    invoice = asked(owner)

    with pytest.raises(invoicing.InvoiceNotCovered):
        invoicing.settle_invoice(invoice=invoice, funding=wired(owner, minor), at=AFTER)


def test_another_clients_or_currencys_wire_does_not_pay_an_invoice() -> None:
    owner = client()
    invoice = asked(owner)

    for wire in (wired(client(), 5000), wired(owner, 5000, currency="EUR")):
        with pytest.raises(invoicing.InvoiceNotCovered):
            invoicing.settle_invoice(invoice=invoice, funding=wire, at=AFTER)


def test_a_voided_invoice_has_a_credit_note_and_cannot_be_paid() -> None:
    owner = client()
    invoice = asked(owner)

    note = invoicing.void_invoice(invoice=invoice, why="asked by mistake", by=make.user(), at=NOON)

    assert (note.number, note.body["total"]) == ("CRN-2026-000001", {"minor": -5000})
    assert note.body["credits"] == "INV-2026-000001"
    with pytest.raises(IllegalTransition):
        invoicing.settle_invoice(invoice=invoice, funding=wired(owner, 5000), at=AFTER)


def test_a_payment_has_a_receipt_as_soon_as_it_is_booked() -> None:
    row = make.paid_funding(make.organization(), usd(700))

    paper = Document.objects.get(kind="receipt")
    assert paper.key == f"receipt:{row.pk}"
    assert (paper.body["total"], paper.body["payment"]) == ({"minor": 700}, row.payment_intent)


def test_receipts_that_are_missing_are_made_once() -> None:
    wired(make.organization(), 900)

    assert [issue_missing_receipts(at=AFTER) for _ in range(2)] == [1, 0]


def test_an_unpaid_payment_has_no_receipt() -> None:
    row = make.start_funding(make.organization(), usd(700))

    with pytest.raises(NotFound):
        issue_receipt(funding_id=row.pk, at=NOON)


@pytest.mark.parametrize(
    ("buyer", "treatment", "rate", "net", "vat"),
    [
        (Party("B", country="ES", vat_number="ESA12345678"), "included", 2100, 10_000, 2100),
        (Party("B", country="DE", vat_number="DE123456789"), "reverse_charge", 0, 12_100, 0),
        (Party("B", country="GB", vat_number="GB123456789"), "reverse_charge", 0, 12_100, 0),
        (Party("B", country="DE", vat_number="DE12345"), "included", 2100, 10_000, 2100),
        (Party("B", country="DE"), "included", 2100, 10_000, 2100),
        (Party("B", country="US"), "none", 0, 12_100, 0),
        (Party("B"), "included", 2100, 10_000, 2100),
    ],
)
def test_vat_follows_the_countries_and_the_buyers_number(
    buyer: Party, treatment: str, rate: int, net: int, vat: int
) -> None:
    vat_rate("ES", 2100)

    found = vat_of(12_100, seller=SELLER, buyer=buyer, at=AFTER)

    assert (found.treatment, found.basis_points) == (treatment, rate)
    assert (found.net_minor, found.vat_minor) == (net, vat)


def test_vat_is_rounded_once_and_net_and_vat_are_the_amount() -> None:
    vat_rate("ES", 2100)

    parts = [vat_of(minor, seller=SELLER, buyer=SELLER, at=AFTER) for minor in range(1, 300)]

    assert [part.net_minor + part.vat_minor for part in parts] == list(range(1, 300))
    assert [part.vat_minor for part in parts[:4]] == [0, 0, 1, 1]


def test_a_seller_without_a_vat_number_states_none() -> None:
    vat_rate("ES", 2100)

    found = vat_of(100, seller=Party("S", country="ES"), buyer=Party("B", country="ES"), at=AFTER)

    assert (found.treatment, found.vat_minor) == ("none", 0)


@pytest.mark.parametrize(
    ("number", "country", "is_valid"),
    [
        ("DE123456789", "DE", True),
        ("de 123.456-789", "DE", True),
        ("DE12345678", "DE", False),
        ("123456789", "DE", False),
        ("EL123456789", "GR", True),
        ("XI123456789", "GB", True),
        ("FR12345678901", "DE", False),
        ("NL123456789B01", "NL", True),
        ("", "DE", False),
        ("US123", "US", False),
    ],
)
def test_a_vat_number_has_the_form_of_its_country(
    number: str, country: str, is_valid: bool
) -> None:
    assert looks_valid(number, country=country) is is_valid


def worked(owner: Organization, *, fees: tuple[int, ...]) -> list[Earning]:
    total = usd(sum(1000 + fee for fee in fees))
    _, project = make.funded_project(total, owner=owner)
    batch = reserving.reserve(
        reservation_id=uuid7(),
        organization=owner,
        subject_id=project,
        base=total,
        pool=usd(0),
        quote={},
        by=uuid7(),
        at=NOON,
    )
    who = make.expert()
    rows = [make.credited(batch, who, 1000, fee=fee) for fee in fees]
    rounds.post_earnings(at=NOON)
    return rows


def test_a_months_fees_are_one_invoice_with_its_vat() -> None:
    vat_rate("ES", 2100)
    owner = client()
    worked(owner, fees=(150, 100))

    made = make_papers(month=NOVEMBER, at=AFTER)

    assert made == Made(receipts=0, statements=2, fee_papers=1, notes=0)
    paper = Document.objects.get(kind="fee_invoice")
    assert paper.body["total"] == {"minor": 250}
    assert paper.body["vat"]["treatment"] == "reverse_charge"
    assert (paper.period_from, paper.period_until) == (NOVEMBER, date(2026, 12, 1))
    assert make_papers(month=NOVEMBER, at=AFTER) == Made(0, 0, 0, 0)


def test_fees_that_went_back_are_a_credit_note() -> None:
    vat_rate("ES", 2100)
    owner = client(Party("Lab SA", "Madrid", "ES", "ESA12345678"))
    (row,) = worked(owner, fees=(121,))
    revenue = account("platform_revenue", currency="USD")
    ledger.post(
        key=f"clawback:{uuid7()}",
        kind="clawed_back",
        currency="USD",
        legs=[
            ledger.Leg(account("expert_pending", currency="USD", expert=row.expert), "D", 1000),
            ledger.Leg(revenue, "D", 121),
            ledger.Leg(make.wallet(owner), "C", 1121),
        ],
        effective_at=NOON,
    )

    make_papers(month=NOVEMBER, at=AFTER)

    note = Document.objects.get(kind="credit_note")
    assert note.body["total"] == {"minor": -121}
    assert (note.body["vat"]["net_minor"], note.body["vat"]["vat_minor"]) == (-100, -21)
    assert Document.objects.get(kind="fee_invoice").body["total"] == {"minor": 121}


def test_a_client_without_fees_gets_no_fee_invoice() -> None:
    worked(client(), fees=(0,))

    assert make_papers(month=NOVEMBER, at=AFTER).fee_papers == 0


def test_an_expert_who_agreed_gets_a_note_of_what_was_paid_since() -> None:
    who = make.owed(5000)
    profiling.set_payee_profile(expert=who, party=BERLIN, at=NOON)
    profiling.agree_to_notes(expert=who, at=NOON)
    make.send(make.approved_run())

    made = make_papers(month=NOVEMBER, at=AFTER)

    assert made.notes == 1
    note = Document.objects.get(kind="self_billing_note")
    assert (note.number, note.expert, note.body["total"]) == (
        "SBN-2026-000001",
        who,
        {"minor": 5000},
    )
    assert (note.body["seller"]["name"], note.body["buyer"]["name"]) == ("Lab GmbH", "Guild SL")
    assert make_papers(month=NOVEMBER, at=AFTER).notes == 0


def test_an_expert_who_has_not_agreed_or_not_yet_gets_no_note() -> None:
    silent, late = make.owed(5000), make.owed(5000)
    profiling.set_payee_profile(expert=silent, party=BERLIN, at=NOON)
    run = make.approved_run()
    sending.send_some(run_id=run.pk, at=NOON, watch=make.still())
    profiling.set_payee_profile(expert=late, party=BERLIN, at=AFTER)
    profiling.agree_to_notes(expert=late, at=NOON + timedelta(seconds=1))

    assert make_papers(month=NOVEMBER, at=AFTER).notes == 0


def test_one_agrees_to_notes_after_saying_who_one_is_and_may_end_it() -> None:
    who = make.expert()
    with pytest.raises(InvalidInput):
        profiling.agree_to_notes(expert=who, at=NOON)
    profiling.set_payee_profile(expert=who, party=BERLIN, at=NOON)

    profiling.agree_to_notes(expert=who, at=NOON)

    assert profiling.end_agreement_to_notes(expert=who, at=AFTER).agreed_to_notes_at is None


@pytest.mark.parametrize(
    "party", [Party("", "x", "DE"), Party("a", "", "DE"), Party("a", "b", "D")]
)
def test_a_profile_without_name_address_or_country_is_refused(party: Party) -> None:
    with pytest.raises(InvalidInput):
        client(party)
