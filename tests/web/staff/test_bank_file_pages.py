"""Files for the bank as two people of finance make, approve, download and answer them."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from marketplace.people.models import User
from payouts.models import BankBatch, LeftOut, Payout, PayoutRun
from payouts.selectors.pausing import pause_reason
from payouts.services import bank_files, pausing, scheduling
from tests.make import NOON
from tests.payouts import make as money
from tests.payouts.rails import approved_file_run, by_file, exported, reference
from tests.web.staff import cast

pytestmark = pytest.mark.django_db
HEAD = "reference,status,amount,currency,bank_reference,reason\n"


@pytest.fixture
def fay() -> User:
    return cast.staff("finance", name="Fay Finance")


def _at(name: str, batch: BankBatch, *more: str) -> str:
    return reverse(f"staff:{name}", args=[batch.pk, *more])


def _answer(*lines: str) -> dict[str, SimpleUploadedFile]:
    return {"file": SimpleUploadedFile("bank.csv", (HEAD + "\n".join(lines)).encode())}


def test_a_file_goes_from_made_to_confirmed_by_two_people(fay: User) -> None:
    money.available(by_file(), 5000)
    approved_file_run()
    maker = cast.enter(fay)
    checker = cast.enter(cast.staff("finance", name="Kim Checker"))

    assert "50.00 USD" in cast.text(maker.get(reverse("staff:bank_files")))
    maker.post(reverse("staff:draft_bank_file"), {"currency": "USD"})
    batch = BankBatch.objects.get()
    refused = maker.post(_at("act_on_bank_file", batch, "approve"), follow=True)
    checker.post(_at("act_on_bank_file", batch, "approve"))
    first = checker.post(_at("download_bank_file", batch))
    again = checker.post(_at("download_bank_file", batch))
    checker.post(_at("confirm_bank_file", batch), _answer(f"{reference()},paid,50.00,USD,BANK-1,"))

    assert "Somebody else has to approve the file you made." in cast.text(refused)
    assert first.content == again.content
    assert b"DE89370400440532013000" in first.content
    assert first.headers["Content-Disposition"].startswith("attachment; ")
    batch.refresh_from_db()
    assert (batch.state, Payout.objects.get().state) == ("confirmed", "paid")


def test_the_page_never_shows_the_account(fay: User) -> None:
    batch, _ = exported()

    page = cast.text(cast.enter(fay).get(_at("bank_file", batch)))

    assert "DE89370400440532013000" not in page
    assert "… 3000" in page


def test_what_the_bank_has_is_called_so(fay: User) -> None:
    batch, _ = exported()
    run = PayoutRun.objects.get()
    client = cast.enter(fay)

    pages = [
        cast.text(client.get(url))
        for url in (
            _at("bank_file", batch),
            reverse("staff:run", args=[run.pk]),
            reverse("staff:payouts"),
        )
    ]

    assert ["at the bank</span>" in page for page in pages] == [True, True, True]


def test_wrong_lines_are_shown_with_their_numbers(fay: User) -> None:
    batch, _ = exported()

    answer = cast.enter(fay).post(
        _at("confirm_bank_file", batch),
        _answer("ffff,paid,1.00,USD,B,", f"{reference()},paid,50.00,USD,BANK-1,"),
    )

    assert answer.status_code == 422
    assert "No payment of this file has the reference ffff." in cast.text(answer)
    assert Payout.objects.get().state == "paid"


def test_auditors_read_files_and_download_none() -> None:
    batch, _ = exported()
    grace = cast.enter(cast.staff("auditor"))

    assert grace.get(_at("bank_file", batch)).status_code == 200
    assert grace.post(_at("download_bank_file", batch)).status_code == 403


def test_lists_of_files_and_payments_cost_the_same_for_one_and_for_three(fay: User) -> None:
    client = cast.enter(fay)
    batch, _ = exported(5000)
    files = cast.queries(client, reverse("staff:bank_files"))
    payments = cast.queries(client, _at("bank_file", batch))
    other, _ = exported(6000, 7000, 8000)
    exported(9000)

    assert cast.queries(client, reverse("staff:bank_files")) == files
    assert cast.queries(client, _at("bank_file", other)) == payments


def test_a_run_shows_whom_it_left_out_and_why(fay: User) -> None:
    run = cast.closed_run(money.user())
    who = money.expert()
    LeftOut.objects.create(run=run, expert=who, amount_minor=400, why="below_minimum")

    page = cast.text(cast.enter(fay).get(reverse("staff:run", args=[run.pk])))

    assert who.pseudonym in page
    assert "below the minimum" in page


def test_a_run_of_the_schedule_has_no_opener(fay: User) -> None:
    money.owed(5000)
    scheduling.open_due_runs(at=scheduling.next_opening(at=NOON) or NOON)
    run, client = PayoutRun.objects.get(), cast.enter(fay)

    assert "the schedule" in cast.text(client.get(reverse("staff:runs")))
    assert "opened by the schedule" in cast.text(client.get(reverse("staff:run", args=[run.pk])))


def test_all_payments_are_paused_and_resumed_with_a_reason(fay: User) -> None:
    client, url = cast.enter(fay), reverse("staff:turn_pause")

    client.post(url, {"act": "pause", "why": ""})
    assert pause_reason() == ""
    client.post(url, {"act": "pause", "why": "The bank is closed today."})
    page = cast.text(client.get(reverse("staff:runs")))
    assert "The bank is closed today." in page
    client.post(url, {"act": "resume", "why": "It is open again."})

    assert pause_reason() == ""


def test_a_run_by_bank_file_is_opened_by_hand(fay: User) -> None:
    cast.enter(fay).post(reverse("staff:open_run"), {"currency": "USD", "rail": "bank_file"})

    assert PayoutRun.objects.get().rail == "bank_file"


def test_a_file_waits_while_payments_are_paused_and_says_what_to_do(fay: User) -> None:
    money.available(by_file(), 5000)
    approved_file_run()
    batch = bank_files.draft_batch(currency="USD", by=money.user(), at=NOON)
    bank_files.approve_batch(batch=batch, by=fay, at=NOON)
    pausing.pause_payments(why="The bank is closed today.", by=fay, at=NOON)
    client = cast.enter(fay)

    page = cast.text(client.get(_at("bank_file", batch)))
    refused = cast.text(client.post(_at("download_bank_file", batch), follow=True))

    assert 'data-open="download"' not in page
    said = "All payments are paused: The bank is closed today. Resume them under Payout runs"
    assert said in refused
    batch.refresh_from_db()
    assert batch.state == "approved"


def test_an_answer_to_another_file_is_refused_as_a_whole(fay: User) -> None:
    batch, _ = exported()

    page = cast.enter(fay).post(
        _at("confirm_bank_file", batch), _answer("0" * 32 + ",paid,50.00,USD,BANK-1,")
    )

    assert page.status_code == 422
    assert "Nothing was taken in" in cast.text(page)
    assert "0 paid" not in cast.text(page)
    assert "No payment of this file has the reference" in cast.text(page)
