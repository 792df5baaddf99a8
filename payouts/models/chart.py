"""The chart of accounts: which kinds there are, whose they are, and which may go below zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal["D", "C"]
Owner = Literal["platform", "organization", "subject", "expert"]


@dataclass(frozen=True, slots=True)
class AccountKind:
    """`normal` is the side that raises the balance; `subject` is an organisation's opaque row."""

    normal: Side
    owner: Owner
    may_go_negative: bool = False


CHART: dict[str, AccountKind] = {
    "psp_clearing": AccountKind("D", "platform", may_go_negative=True),
    "platform_bank": AccountKind("D", "platform", may_go_negative=True),
    "psp_fees": AccountKind("D", "platform"),
    "platform_expense": AccountKind("D", "platform"),
    "chargeback_hold": AccountKind("D", "platform"),
    "chargeback_loss": AccountKind("D", "platform"),
    "platform_revenue": AccountKind("C", "platform"),
    "operator_capital": AccountKind("C", "platform", may_go_negative=True),
    "fx": AccountKind("D", "platform", may_go_negative=True),
    "wallet": AccountKind("C", "organization"),
    "refund_in_transit": AccountKind("C", "organization"),
    "client_receivable": AccountKind("D", "organization"),
    "escrow": AccountKind("C", "subject"),
    "reserved": AccountKind("C", "subject"),
    "overrun": AccountKind("C", "subject"),
    "expert_pending": AccountKind("C", "expert"),
    "expert_available": AccountKind("C", "expert"),
    "payout_in_transit": AccountKind("C", "expert"),
    "payroll_payable": AccountKind("C", "expert"),
    "expert_receivable": AccountKind("D", "expert"),
}

POSTING_KINDS = frozenset(
    (
        "funding_paid",
        "fee_booked",
        "wire_received",
        "treasury_moved",
        "budget_allocated",
        "budget_returned",
        "reservation_made",
        "overrun_raised",
        "overrun_drawn",
        "earnings_posted",
        "earning_posted_now",
        "holds_released",
        "debt_netted",
        "reservation_released",
        "payout_reserved",
        "transfer_made",
        "payout_released",
        "transfer_reversed",
        "earning_voided",
        "clawed_back",
        "debt_written_off",
        "refund_reserved",
        "refund_paid",
        "refund_returned",
        "chargeback_withdrawn",
        "chargeback_reinstated",
        "chargeback_lost",
        "payroll_accrued",
        "payroll_settled",
        "fx_sold",
        "fx_bought",
        "capital_deposited",
        "budget_granted",
        "credit_drawn",
        "credit_settled",
        "correction",
        "reversal",
    )
)
