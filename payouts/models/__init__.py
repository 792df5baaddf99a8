from payouts.models.bank_attempts import BankAttempt
from payouts.models.budgets import Funding, Reservation
from payouts.models.chart import CHART, POSTING_KINDS, Side
from payouts.models.clawbacks import CLAWBACK_REASONS, Clawback, Netting
from payouts.models.credits import BillingProfile, BillingTerms, BudgetGrant, PayeeProfile
from payouts.models.documents import DOCUMENT_KINDS, Document, DocumentSeries, Invoice
from payouts.models.earnings import PAY_CHANNELS, Earning
from payouts.models.inbox import ENDPOINTS, StripeEvent
from payouts.models.ledger import Account, Entry, Posting
from payouts.models.pace import SendingPace
from payouts.models.pausing import PauseTurn
from payouts.models.payees import RAILS, Payee
from payouts.models.payroll import PayrollExport, PayrollItem, PayrollLine
from payouts.models.policies import POLICY_KINDS, Policy
from payouts.models.proposals import Proposal
from payouts.models.rails import BankBatch, BankDetails, CashOut, InstanceMode
from payouts.models.reconciliation import (
    BREAK_KINDS,
    BalanceTransaction,
    Break,
    LedgerClose,
    Reconciliation,
)
from payouts.models.refunds import Chargeback, Refund, RefundPart
from payouts.models.requests import FrozenRequest
from payouts.models.runs import (
    LIVE_ATTEMPT,
    MONEY_RESERVED,
    LeftOut,
    Payout,
    PayoutAttempt,
    PayoutItem,
    PayoutRun,
)
from payouts.models.sandbox import (
    FAULTS,
    SandboxClock,
    SandboxFault,
    SandboxObject,
    SandboxReply,
)

__all__ = [
    "BREAK_KINDS",
    "CHART",
    "CLAWBACK_REASONS",
    "DOCUMENT_KINDS",
    "ENDPOINTS",
    "FAULTS",
    "LIVE_ATTEMPT",
    "MONEY_RESERVED",
    "PAY_CHANNELS",
    "POLICY_KINDS",
    "POSTING_KINDS",
    "RAILS",
    "Account",
    "BalanceTransaction",
    "BankAttempt",
    "BankBatch",
    "BankDetails",
    "BillingProfile",
    "BillingTerms",
    "Break",
    "BudgetGrant",
    "CashOut",
    "Chargeback",
    "Clawback",
    "Document",
    "DocumentSeries",
    "Earning",
    "Entry",
    "FrozenRequest",
    "Funding",
    "InstanceMode",
    "Invoice",
    "LedgerClose",
    "LeftOut",
    "Netting",
    "PauseTurn",
    "Payee",
    "PayeeProfile",
    "Payout",
    "PayoutAttempt",
    "PayoutItem",
    "PayoutRun",
    "PayrollExport",
    "PayrollItem",
    "PayrollLine",
    "Policy",
    "Posting",
    "Proposal",
    "Reconciliation",
    "Refund",
    "RefundPart",
    "Reservation",
    "SandboxClock",
    "SandboxFault",
    "SandboxObject",
    "SandboxReply",
    "SendingPace",
    "Side",
    "StripeEvent",
]
