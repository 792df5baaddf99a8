"""What payouts, accounts and amounts are called on an expert's pages."""

from __future__ import annotations

from payouts.models import Earning, Payout
from payouts.selectors.came_back import Unpaid

_PAYOUT = {
    "reserved": "waiting to be sent",
    "submitting": "being sent",
    "unknown": "being confirmed",
    "transferred": "sent",
    "bank_pending": "sent",
    "bank_failed": "returned by your bank",
    "reversed": "taken back",
    "cancelled": "given back",
    "rejected": "refused",
}
EARNING = {
    "pending": "in hold",
    "reserved": "in a payout",
    "voided": "taken back in hold",
    "clawed_back": "taken back in full",
    "taken_back": "taken back, in full or in part",
}
_BANK_FILE = {"unknown": "at the bank", "reversed": "returned by your bank"}
_WHY = {
    "account": "Your payout account cannot receive money just now. Look at your payout set-up.",
    "requirements_past_due": "Stripe misses details about you that were due.",
    "bank_returned": "Your bank sent a payment back. Give your bank account again.",
    "account_closed": "The bank says that the account is closed.",
    "account_frozen": "The bank says that the account is frozen.",
    "bank_account_restricted": "The bank says that the account is restricted.",
    "could_not_process": "The bank could not process it.",
    "declined": "The bank declined it.",
    "incorrect_account_holder_name": "The name does not fit the account.",
    "invalid_account_number": "The account number is wrong.",
    "invalid_currency": "The account does not take this currency.",
    "no_account": "The bank does not find the account.",
    "payouts_not_allowed": "Stripe does not pay out your account just now.",
    "balance_insufficient": "Your Stripe balance is less than this payout. We look into it.",
    "amount_too_small": "It is less than the smallest amount of your bank's currency.",
    "run cancelled": "The run was cancelled.",
    "the payout account was replaced": "You replaced your payout account.",
    "the payout account was closed": "Your payout account was closed.",
}


def payout_words(row: Payout) -> str:
    """A payout's state; a bank file's has no answer until the bank says what it did."""
    if row.payee.rail == "bank_file" and row.state in _BANK_FILE:
        return _BANK_FILE[row.state]
    return _PAYOUT.get(row.state, "")


def why_words(why: str) -> str:
    """A reason in words: those of a person as they are, a code as a sentence."""
    if why in _WHY:
        return _WHY[why]
    is_code = why.islower() and " " not in why and why.replace("_", "").isalnum()
    return f"The reason given: {why.replace('_', ' ')}." if is_code else why


def earning_words(row: Earning, unpaid: Unpaid) -> tuple[str, str]:
    """State and words of an amount, where its payout did not stay or an employer pays it."""
    if row.state == "paid" and row.pk in unpaid.returned:
        return "bank_failed", "returned by your bank"
    if row.state == "paid" and unpaid.owed_anew.get(row.pk, 0) >= row.payable_minor:
        return "reversed", "payout came back"
    if row.state == "paid" and row.pk in unpaid.owed_anew:
        return "paid", "paid, a part came back"
    if row.pay_channel == "payroll":
        payroll = {"paid": "paid by your employer", "reserved": "in your employer's payroll"}
        return row.state, payroll.get(row.state, EARNING.get(row.state, ""))
    return row.state, EARNING.get(row.state, "")
