from payouts.models.budgets import Funding, Reservation
from payouts.models.chart import CHART, POSTING_KINDS, Side
from payouts.models.earnings import PAY_CHANNELS, Earning
from payouts.models.inbox import ENDPOINTS, StripeEvent
from payouts.models.ledger import Account, Entry, Posting
from payouts.models.payees import Payee
from payouts.models.runs import (
    LIVE_ATTEMPT,
    MONEY_RESERVED,
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
    "CHART",
    "ENDPOINTS",
    "FAULTS",
    "LIVE_ATTEMPT",
    "MONEY_RESERVED",
    "PAY_CHANNELS",
    "POSTING_KINDS",
    "Account",
    "Earning",
    "Entry",
    "Funding",
    "Payee",
    "Payout",
    "PayoutAttempt",
    "PayoutItem",
    "PayoutRun",
    "Posting",
    "Reservation",
    "SandboxClock",
    "SandboxFault",
    "SandboxObject",
    "SandboxReply",
    "Side",
    "StripeEvent",
]
