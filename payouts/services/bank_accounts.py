"""An expert whom Stripe cannot reach says which bank account to pay."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.ids import uuid7
from marketplace.kit.sealing import seal, unseal
from marketplace.kit.tables import FORMULA_STARTS
from marketplace.people.models import Expert
from payouts.gateways.chosen import gateway
from payouts.models import BankDetails, Payee
from payouts.policy import REACHABLE, is_iban, looks_like_iban
from payouts.services.onboarding import close_payees

SHORTEST_ACCOUNT, LONGEST_ACCOUNT = 4, 34
Problem = dict[str, str]


class StripePaysThere(DomainError):
    """Stripe reaches the expert, so the file is not for them."""

    code = "stripe_pays_there"
    status = 409


def may_use_bank_file(expert: Expert) -> bool:
    """Whether the file is for this expert: Stripe does not reach them, or is not there at all."""
    return expert.country not in REACHABLE or settings.PAYMENTS_MODE == "sandbox"


@transaction.atomic
def enter_bank_details(
    *, expert: Expert, holder: str, account_number: str, bank_code: str, at: datetime
) -> Payee:
    """Take a new account to be paid to by bank file; the one before is closed.

    The number is sealed and never shown again but for its last four characters. Raises
    StripePaysThere, InvalidInput with every problem.
    """
    if not may_use_bank_file(expert):
        raise StripePaysThere("Stripe pays where you live; set up your account there.")
    number = "".join(account_number.split()).replace("-", "").upper()
    code = "".join(bank_code.split()).upper()
    _require_account(holder.strip(), number, code)
    for rail in ("stripe", "bank_file"):
        close_payees(expert=expert, rail=rail, at=at)
    payee = _payee(expert, at)
    BankDetails.objects.create(
        payee=payee,
        holder=holder.strip(),
        sealed_account=seal(number.encode(), aad=_place(payee)),
        account_ending=number[-4:],
        bank_code=code,
        changed_at=at,
    )
    record("payee.activated", at=at, object_kind="payee", object_id=payee.id, expert=expert.id)
    return payee


def account_number(*, details: BankDetails) -> str:
    """The number in clear, for the file to the bank and nothing else."""
    return unseal(details.sealed_account, aad=_place(details.payee)).decode()


def _payee(expert: Expert, at: datetime) -> Payee:
    row = uuid7()
    return Payee.objects.create(
        id=row,
        expert=expert,
        account_id=f"bank:{row}",
        country=expert.country,
        rail="bank_file",
        state="active",
        livemode=gateway().is_live,
        created_at=at,
        checked_at=at,
    )


def _place(payee: Payee) -> str:
    return f"payouts.BankDetails.sealed_account:{payee.id}"


def _require_account(holder: str, number: str, code: str) -> None:
    problems: list[Problem] = []
    if not holder or len(holder) > 140 or holder.startswith(FORMULA_STARTS):
        problems.append({"field": "holder", "problem": "is the name on the account"})
    if looks_like_iban(number) and not is_iban(number):
        problems.append({"field": "account", "problem": "is no IBAN: a character is wrong"})
    elif not (number.isascii() and number.isalnum()) or not (
        SHORTEST_ACCOUNT <= len(number) <= LONGEST_ACCOUNT
    ):
        problems.append({"field": "account", "problem": "has 4 to 34 letters and digits"})
    elif not looks_like_iban(number) and not code:
        problems.append({"field": "bank_code", "problem": "is needed without an IBAN"})
    if code and not (code.isascii() and code.isalnum() and len(code) <= 20):
        problems.append({"field": "bank_code", "problem": "has up to 20 letters and digits"})
    if problems:
        raise InvalidInput("This account could not be kept.", errors=problems)
