"""L14: statements add up, close where the ledger does, are numbered and hashed; years too."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from payouts.selectors.invariants import check_ledger
from payouts.services import rounds
from payouts.services.monthly_papers import make_papers
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db
AFTER = datetime(2027, 1, 1, 2, tzinfo=UTC)

# What is planted past every trigger, and words of the sentence that names it.
DEFECTS = {
    "UPDATE payouts_document SET body = jsonb_set(body, '{opening,minor}', '7') "
    "WHERE kind = 'statement' AND period_from = '2026-12-01'": "the one before closed at",
    "UPDATE payouts_document SET body = jsonb_set(body, '{movements,0,minor}', '7') "
    "WHERE kind = 'statement' AND period_from = '2026-11-01'": ", movements ",
    "UPDATE payouts_document SET body = body || '{\"read_up_to\": {}}' "
    "WHERE kind = 'statement'": ", ledger 0",
    'UPDATE payouts_document SET body = body || \'{"note": "changed"}\' '
    "WHERE kind = 'fee_invoice'": "paper FEE-2026-000001: its hash does not recompute",
    "DELETE FROM payouts_document WHERE number = 'STM-2027-000002'": "series statement 2027: last",
    "UPDATE payouts_payout SET amount_minor = amount_minor + 1": ", payouts less reversals ",
}


@pytest.fixture
def filed() -> None:
    """Two months of papers about a client, a paid expert and one who waits."""
    who = make.owed(5000)
    make.send(make.approved_run())
    batch = make.reservation(usd(3000))
    make.credited(batch, who, 700, fee=105)
    rounds.post_earnings(at=NOON)
    make_papers(month=date(2026, 11, 1), at=datetime(2026, 12, 1, 2, tzinfo=UTC))
    make_papers(month=date(2026, 12, 1), at=AFTER)


def problems() -> list[str]:
    return [broken.problem for broken in check_ledger(AFTER).broken if broken.invariant == "L14"]


@pytest.mark.usefixtures("filed")
def test_papers_as_they_are_made_are_found_sound() -> None:
    report = check_ledger(AFTER)

    assert "L14" in report.checked
    assert problems() == []


@pytest.mark.usefixtures("filed")
@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_of_papers_is_named(defect: str) -> None:
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(defect)
        assert cursor.rowcount
        cursor.execute("SET session_replication_role = origin")

    assert any(DEFECTS[defect] in problem for problem in problems())


@pytest.mark.usefixtures("filed")
def test_the_papers_of_a_month_are_made_by_hand_and_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.kit.clock.now", lambda: AFTER)

    call_command("statements", "--month", "2026-12")

    assert capsys.readouterr().out == (
        "2026-12: 0 receipts, 0 statements, 0 fee papers, 0 notes.\n"
    )
    with pytest.raises(CommandError, match="when its month is over"):
        call_command("statements", "--month", "2027-01")
    with pytest.raises(CommandError, match="2026-11"):
        call_command("statements", "--month", "2027-13")
