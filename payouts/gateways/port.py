"""What the product asks of a payment provider, and how the provider may answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from marketplace.kit.money import Money

Body = dict[str, Any]  # Any: JSON as Stripe writes it


class GatewayError(Exception):
    """The provider did not do what was asked, or we do not know whether it did."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.message = message[:500]
        self.code = code[:100]


class OutcomeUnknown(GatewayError):
    """No readable answer: it may or may not have happened. Same key, same body, later."""


class ReplayedFailure(OutcomeUnknown):
    """The provider replays a saved 5xx for this key for ever: look the object up instead."""


class SlowDown(GatewayError):
    """Too many calls, or the key is in use just now. Same key, later."""


class Refused(GatewayError):
    """Definitive: it did not happen, and this request never will."""


class KeyConflict(GatewayError):
    """The key was used with another body. Frozen until a person has looked."""


class Misconfigured(GatewayError):
    """Key, permission or version is wrong. Nothing may change until it is mended."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A hosted payment page. `fee` and `fee_id` are known once the charge has settled.

    A page that is none of open, paid, failed and expired was left by the payer, whose bank has
    not answered yet. `why` is the provider's word for why that bank refused.
    """

    session_id: str
    url: str
    is_open: bool
    is_paid: bool
    is_failed: bool
    is_expired: bool
    payment_intent: str
    received: Money | None
    fee: Money | None = None
    fee_id: str = ""
    charge: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A connected account. `why` says in one word what keeps it from receiving transfers."""

    account_id: str
    can_receive: bool
    is_closed: bool
    why: str


@dataclass(frozen=True, slots=True)
class Reversal:
    """A part of a transfer that came back to the platform."""

    reversal_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money moved from the platform to a connected account."""

    transfer_id: str
    amount: Money
    destination: str
    group: str
    attempt: str
    arrival: str = ""
    movement: str = ""
    reversals: tuple[Reversal, ...] = ()


@dataclass(frozen=True, slots=True)
class BalanceTransaction:
    """One movement of the platform's balance.

    `kind` is Stripe's type; `category`, its reporting category, splits the adjustments. `source`
    is the object behind it, empty for a fee of its own. `net` = amount - fee.
    """

    transaction_id: str
    kind: str
    category: str
    amount: Money
    fee: Money
    net: Money
    source: str
    is_available: bool
    available_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class BalancePage:
    """Movements, the newest first, and the cursor of the next page, empty on the last."""

    rows: tuple[BalanceTransaction, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class Balance:
    """What the platform has at the provider in one currency. Either may be below zero."""

    available: Money
    pending: Money


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back on a charge. `state` is Stripe's, `reference` our id in its metadata."""

    refund_id: str
    state: str
    why: str
    amount: Money
    charge: str
    payment_intent: str
    reference: str
    movement: str = ""


@dataclass(frozen=True, slots=True)
class Dispute:
    """A card payment that its holder contests. `state` is Stripe's own word.

    `movements` are what the card network took and gave back so far, each with its fee.
    """

    dispute_id: str
    state: str
    reason: str
    amount: Money
    charge: str
    payment_intent: str
    evidence_due_at: datetime | None
    created_at: datetime
    movements: tuple[BalanceTransaction, ...]


@dataclass(frozen=True, slots=True)
class EventPage:
    """Messages as Stripe would send them, the newest first, and the cursor of the next page."""

    bodies: tuple[Body, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class BankPayout:
    """A connected account's payout to its bank.

    Of an automatic one Stripe says which of our transfers are in it, and which bank payouts by
    hand (`returned`) came back into it; one of ours carries the payout and the number of the
    attempt that asked for it.
    """

    payout_id: str
    state: str
    why: str
    amount: Money
    transfers: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    payout: str = ""
    attempt: str = ""
    bank_account: str = ""


@dataclass(frozen=True, slots=True)
class BankAccount:
    """A bank account that the owner of a connected account gave to the provider."""

    bank_account_id: str
    currency: str
    is_usable: bool


class Gateway(Protocol):
    """The provider. Every call leaves transactions first and raises only GatewayErrors."""

    @property
    def api_version(self) -> str: ...

    @property
    def is_live(self) -> bool: ...

    def open_checkout(
        self, *, funding_id: UUID, amount: Money, success_url: str, cancel_url: str, key: str
    ) -> Checkout: ...

    def read_checkout(self, *, session_id: str) -> Checkout: ...

    def expire_checkout(self, *, session_id: str, key: str) -> None:
        """Close an open payment page; nobody can pay on it any more."""
        ...

    def create_recipient(
        self, *, payee_id: UUID, country: str, name: str, email: str, key: str
    ) -> Recipient: ...

    def read_recipient(self, *, account_id: str) -> Recipient: ...

    def onboarding_url(self, *, account_id: str, return_url: str, key: str) -> str: ...

    def available(self, *, currency: str) -> Money: ...

    def balance(self) -> tuple[Balance, ...]: ...

    def list_balance_transactions(
        self, *, created_after: datetime | None = None, cursor: str = ""
    ) -> BalancePage:
        """A page of 100 movements since an instant (inclusive, whole seconds), newest first."""
        ...

    def refund(self, *, payment_intent: str, amount: Money, reference: UUID, key: str) -> Refund:
        """Give part of a payment back; `reference` comes back in what is found."""
        ...

    def read_payment_of(self, *, charge_id: str) -> str:
        """The payment intent that a charge belongs to."""
        ...

    def read_refund(self, *, refund_id: str) -> Refund: ...

    def find_refunds(self, *, payment_intent: str) -> list[Refund]: ...

    def read_dispute(self, *, dispute_id: str) -> Dispute: ...

    def list_missed_events(
        self, *, created_after: datetime | None = None, cursor: str = ""
    ) -> EventPage:
        """A page of 100 messages of the platform that did not reach us."""
        ...

    def send_transfer(self, *, request: str, key: str, api_version: str) -> Transfer:
        """Send the frozen JSON `request` byte for byte under its own key and version."""
        ...

    def read_transfer(self, *, transfer_id: str) -> Transfer: ...

    def find_transfers(self, *, group: str) -> list[Transfer]: ...

    def read_arrival(self, *, account_id: str, payment_id: str) -> Money:
        """What a transfer became in the receiver's own currency."""
        ...

    def read_bank_payout(self, *, account_id: str, payout_id: str) -> BankPayout: ...

    def pay_bank_by_hand(self, *, account_id: str, key: str) -> None:
        """Have the provider leave the payouts of an account to us."""
        ...

    def pay_bank_daily(self, *, account_id: str, key: str) -> None:
        """Have the provider pay out an account by itself again."""
        ...

    def send_bank_payout(
        self, *, account_id: str, request: str, key: str, api_version: str
    ) -> BankPayout:
        """Send the frozen JSON `request` byte for byte under its own key and version."""
        ...

    def find_bank_payouts(self, *, account_id: str, created_after: datetime) -> list[BankPayout]:
        """Every payout of an account that we asked for since an instant."""
        ...

    def read_bank_account(self, *, account_id: str, bank_account_id: str) -> BankAccount: ...
