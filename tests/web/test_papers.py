"""Papers on pages: whose they are, how they print and download, who may ask and take back."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplace.kit import tables
from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Organization
from marketplace.organizations.services.keys import create_api_key
from marketplace.people.models import Expert
from payouts.models import Document, Invoice
from payouts.services.documenting import issue_document
from payouts.services.monthly_papers import make_papers
from payouts.services.profiling import set_billing_profile
from tests import make
from tests.browser.pages import signed_in
from tests.browser.papers import PARTY
from tests.make import NOON
from tests.payouts import make as money
from tests.web.client.visit import at, member, owner_of, words
from tests.web.staff import cast

pytestmark = pytest.mark.django_db
AFTER = datetime(2026, 12, 1, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def demo_at_noon(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEMO = True
    monkeypatch.setattr("marketplace.kit.clock.now", lambda: NOON)


def paper_of(
    owner: Organization | Expert, *, kind: str = "receipt", text: str = "Paid"
) -> Document:
    """A paper with one line."""
    is_client = isinstance(owner, Organization)
    return issue_document(
        kind=kind,
        key=str(uuid7()),
        organization=owner if isinstance(owner, Organization) else None,
        expert=None if isinstance(owner, Organization) else owner,
        currency="USD",
        body={
            "seller": {"name": "Us"},
            "buyer": {"name": "Them" if is_client else "Ada"},
            "lines": [{"text": text, "source": "=HYPERLINK()", "minor": 123_456}],
            "total": {"minor": 123_456},
        },
        at=NOON,
    )


def bytes_of(response: Any) -> bytes:  # Any: the test client's response
    return b"".join(response.streaming_content) if response.streaming else response.content


def asked(client: Organization, *, minor: str = "50") -> Any:  # Any: the test client's response
    set_billing_profile(organization=client, party=PARTY, email="", by=uuid7(), at=NOON)
    form = {"ask-amount": minor, "ask-key": uuid7()}
    return owner_of(client).post(at(client, "ask_invoice"), form)


# Whose they are -----------------------------------------------------------------------------------
@pytest.mark.parametrize("tail", ["", "csv/", "json/"])
def test_an_experts_paper_is_only_the_experts(tail: str) -> None:
    ada, eve = make.expert("Ada"), make.expert("Eve")
    path = f"/statements/{paper_of(ada).pk}/{tail}"

    assert signed_in(ada.user).get(path).status_code == 200
    assert signed_in(eve.user).get(path).status_code == 404


@pytest.mark.parametrize("tail", ["", "csv/", "json/"])
def test_a_clients_paper_is_only_its_members(tail: str) -> None:
    ours, theirs = make.organization(), make.organization()
    paper = paper_of(ours)

    inside = [f"/o/{ours.slug}/papers/{paper.pk}/{tail}", f"/o/{ours.slug}/papers/"]
    across = f"/o/{theirs.slug}/papers/{paper.pk}/{tail}"

    assert [signed_in(member(ours, "viewer")).get(path).status_code for path in inside] == [200] * 2
    assert [owner_of(theirs).get(path).status_code for path in (*inside, across)] == [404] * 3


def test_a_person_in_two_clients_sees_each_ones_papers_in_its_own_place() -> None:
    ours = make.organization()
    owner = ours.memberships.get(role="owner").user
    theirs = make.organization(owner=owner)
    paper = paper_of(ours)

    assert signed_in(owner).get(at(theirs, "paper", paper_id=paper.pk)).status_code == 404


@pytest.mark.parametrize(
    ("role", "status"),
    [("finance", 200), ("auditor", 200), ("support", 403)],
)
def test_finance_and_auditors_read_all_papers(role: str, status: int) -> None:
    paper, who = paper_of(make.organization()), signed_in(cast.staff(role))
    paths = ("", f"{paper.pk}/", f"{paper.pk}/json/", "years/", "years/totals.csv")

    assert [who.get(f"/staff/papers/{path}").status_code for path in paths] == [status] * 5


# How they look ------------------------------------------------------------------------------------
def test_the_downloaded_json_has_the_hash_that_the_page_shows() -> None:
    ada = make.expert("Ada")
    paper, browser = paper_of(ada), signed_in(ada.user)

    page = words(browser.get(f"/statements/{paper.pk}/"))
    body = browser.get(f"/statements/{paper.pk}/json/")

    assert hashlib.sha256(body.content).hexdigest() in page
    assert body["Content-Disposition"] == 'attachment; filename="REC-2026-000001.json"'


def test_no_cell_of_the_csv_is_a_formula() -> None:
    ada = make.expert("Ada")
    paper = paper_of(ada, text='=cmd|" /C calc"!A0')

    text = bytes_of(signed_in(ada.user).get(f"/statements/{paper.pk}/csv/")).decode()

    head, line, total = csv.reader(io.StringIO(text))
    assert head == ["at", "words", "source", "amount_minor", "currency", "amount"]
    assert line == ["", '\'=cmd|" /C calc"!A0', "'=HYPERLINK()", "123456", "USD", "1234.56"]
    assert total[1:] == ["Total", "", "123456", "USD", "1234.56"]
    assert tables.safe_cell("-5") == "'-5"


def test_a_paper_has_no_menu_and_says_that_it_is_of_a_sandbox() -> None:
    ada = make.expert("Ada")

    page = words(signed_in(ada.user).get(f"/statements/{paper_of(ada).pk}/"))

    assert "Sandbox: no real money" in page
    assert 'class="side"' not in page
    assert "1,234.56 USD" in page


def test_a_statement_page_tells_opening_lines_and_closing() -> None:
    who = money.owed(5000)
    money.send(money.approved_run())
    make_papers(month=NOON.date(), at=AFTER)
    browser = signed_in(who.user)
    paper = Document.objects.get(expert=who)

    page = words(browser.get(f"/statements/{paper.pk}/"))
    listed = words(browser.get("/statements/"))

    assert "Opening balance" in page
    assert "-50.00 USD" in page
    assert "Closing balance" in page
    assert "STM-2026-00000" in listed
    assert "50.00 USD" in listed


@pytest.mark.parametrize("place", ["expert", "client", "staff"])
def test_lists_of_papers_cost_the_same_for_one_and_three(place: str) -> None:
    ada, client = make.expert("Ada"), make.organization()
    owner = ada if place == "expert" else client
    browser, path = {
        "expert": (signed_in(ada.user), "/statements/"),
        "client": (owner_of(client), f"/o/{client.slug}/papers/"),
        "staff": (signed_in(cast.staff("finance")), "/staff/papers/"),
    }[place]
    paper_of(owner)
    browser.get(path)

    counts = []
    for more in (0, 2):
        for _ in range(more):
            paper_of(owner)
        with CaptureQueriesContext(connection) as queries:
            browser.get(path)
        counts.append(len(queries))

    assert counts[0] == counts[1]


# What one may do ----------------------------------------------------------------------------------
def test_an_owner_asks_for_an_invoice_and_lands_on_it() -> None:
    client = make.organization()

    answer = asked(client, minor="1,250.50")

    invoice = Invoice.objects.get()
    assert invoice.amount_minor == 125_050
    assert answer["Location"] == at(client, "paper", paper_id=invoice.pk)
    assert "INV-2026-000001" in words(owner_of(client).get(answer["Location"]))


def test_an_invoice_without_a_billing_profile_is_refused_in_words() -> None:
    client = make.organization()
    form = {"ask-amount": "50", "ask-key": uuid7()}

    answer = owner_of(client).post(at(client, "ask_invoice"), form)

    assert answer.status_code == 422
    assert "fill in the billing profile" in words(answer)


@pytest.mark.parametrize("role", ["manager", "reviewer", "viewer"])
def test_who_may_not_pay_may_not_ask_or_say_who_the_client_is(role: str) -> None:
    client = make.organization()
    browser = signed_in(member(client, role))

    answers = [browser.post(at(client, page)) for page in ("ask_invoice", "billing_profile")]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert not Invoice.objects.exists()


def test_a_client_says_who_it_is_on_papers() -> None:
    client = make.organization()
    form = {
        "party-legal_name": "Lab GmbH",
        "party-address": "Street 1",
        "party-country": "DE",
        "party-vat_number": "de 123 456 789",
    }

    answer = owner_of(client).post(at(client, "billing_profile"), form)

    assert answer.status_code == 302
    assert client.billing_profile.vat_number == "DE123456789"
    assert "Lab GmbH" in words(owner_of(client).get(at(client, "papers")))


@pytest.mark.parametrize(
    ("country", "number", "status"),
    [
        ("GB", "XX1", 422),
        ("GB", "DE123456789", 422),
        ("DE", "123456789", 422),
        ("GB", "XI123456789", 302),
        ("GB", "gb 123 4567 89", 302),
        ("GR", "EL123456789", 302),
        ("US", "12-3456789", 302),
        ("DE", "", 302),
    ],
)
def test_a_vat_number_is_kept_only_in_its_countrys_form(
    country: str, number: str, status: int
) -> None:
    client = make.organization()
    form = {
        "party-legal_name": "Lab",
        "party-address": "Street 1",
        "party-country": country,
        "party-vat_number": number,
    }

    answer = owner_of(client).post(at(client, "billing_profile"), form)

    assert answer.status_code == status


def test_who_the_client_is_has_to_be_said_before_an_invoice_is_offered() -> None:
    client = make.organization()

    page = words(owner_of(client).get(at(client, "papers")))

    assert "Say first who you are on papers" in page
    assert "Ask for an invoice</" not in page


def test_an_expert_agrees_to_notes_and_ends_it() -> None:
    ada = make.expert("Ada")
    browser = signed_in(ada.user)
    form = {"party-legal_name": "Ada", "party-address": "Street 1", "party-country": "GB"}
    browser.post("/statements/notes/", {"act": "agree"})
    browser.post("/statements/profile/", form)
    agreements = []

    for act in ("agree", "end"):
        browser.post("/statements/notes/", {"act": act})
        ada.payee_profile.refresh_from_db()
        agreements.append(ada.payee_profile.agreed_to_notes_at)

    assert agreements == [NOON, None]


def test_finance_takes_an_overdue_invoice_back_and_an_auditor_does_not() -> None:
    client = make.organization()
    asked(client)
    Invoice.objects.update(due_at=NOON - timedelta(seconds=1))
    pk = Invoice.objects.get().pk
    path, why = f"/staff/papers/{pk}/void/", {"why": "asked by mistake"}

    refused = signed_in(cast.staff("auditor")).post(path, why).status_code
    finance = signed_in(cast.staff("finance"))
    listed = words(finance.get("/staff/papers/"))
    finance.post(path, why)

    assert (refused, Invoice.objects.get().state) == (403, "void")
    assert "Overdue invoices" in listed
    assert "Overdue invoices" not in words(finance.get("/staff/papers/"))


def test_staff_find_papers_by_number_and_by_name() -> None:
    paper_of(money.organization("Northern Lab"))
    paper_of(make.expert("Ada Lovelace"), kind="invoice")
    browser = signed_in(cast.staff("finance"))

    found = [
        words(browser.get(f"/staff/papers/?q={q}")) for q in ("rec-2026", "northern", "lovelace")
    ]

    assert ["REC-2026-000001" in page for page in found] == [True, True, False]
    assert ["INV-2026-000001" in page for page in found] == [False, False, True]


def test_the_year_as_csv_has_whole_minor_units_and_no_formula() -> None:
    who = money.owed(5000)
    Expert.objects.filter(pk=who.pk).update(display_name="=1+1")
    money.send(money.approved_run())
    finance: Client = signed_in(cast.staff("finance"))

    text = bytes_of(finance.get("/staff/papers/years/totals.csv?year=2026")).decode()
    (row,) = csv.DictReader(io.StringIO(text))

    assert (row["payee"], row["name"], row["country"]) == (str(who.pk), "'=1+1", "US")
    assert (row["gross_minor"], row["reversals_minor"], row["net_minor"]) == ("5000", "0", "5000")
    assert (row["threshold_minor"], row["is_over_threshold"]) == ("200000", "false")


# For programs -------------------------------------------------------------------------------------
def program(client: Organization, *scopes: str) -> Client:
    """A program with a key of the client."""
    _, secret = create_api_key(
        organization=client,
        name="books",
        scopes=list(scopes),
        expires_at=NOON + timedelta(days=30),
        by=client.memberships.get(role="owner").user,
        at=NOON,
    )
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_a_key_that_reads_the_money_lists_its_own_statements_and_no_others() -> None:
    ours, theirs = make.organization(), make.organization()
    paper, other = (paper_of(each, kind="statement") for each in (ours, theirs))
    browser = program(ours, "funding:read")

    listed = browser.get("/api/v1/statements/").json()["results"]

    assert [row["number"] for row in listed] == [paper.number]
    assert browser.get(f"/api/v1/statements/{paper.pk}/").json()["body"] == paper.body
    assert browser.get(f"/api/v1/statements/{other.pk}/").status_code == 404
    assert program(ours, "tasks:write").get("/api/v1/statements/").status_code == 403


def test_an_expert_lists_their_own_statements_and_no_others() -> None:
    ada, eve = make.expert("Ada"), make.expert("Eve")
    paper = paper_of(ada, kind="statement")
    path = f"/api/v1/me/statements/{paper.pk}/"

    listed = signed_in(ada.user).get("/api/v1/me/statements/").json()["results"]

    assert [row["sha256"] for row in listed] == [paper.sha256]
    assert signed_in(ada.user).get(path).json()["body"] == paper.body
    assert signed_in(eve.user).get(path).status_code == 404
    assert signed_in(eve.user).get("/api/v1/me/statements/").json()["results"] == []


def test_a_clients_paper_names_the_batch_and_shows_no_provider_id() -> None:
    batch = make.open_batch(of=make.project(), tasks=1, answers=1)
    client = batch.project.organization
    lines = [("Work", f"batch:{batch.reservation_id}"), ("Payment received", "pi_3QabcdEF")]
    row = issue_document(
        kind="receipt",
        key=str(uuid7()),
        organization=client,
        expert=None,
        currency="USD",
        body={
            "lines": [{"text": text, "source": source, "minor": 1} for text, source in lines],
            "total": {"minor": 2},
        },
        at=NOON,
    )

    page = words(owner_of(client).get(at(client, "paper", paper_id=row.pk)))

    assert f'<span class="source">{batch.name}</span>' in page
    assert f"batch:{batch.reservation_id}" not in page
    assert "pi_3QabcdEF" not in page
