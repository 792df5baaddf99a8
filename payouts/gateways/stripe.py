"""Stripe through its own SDK. Our keys, our retries, never inside a transaction."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import stripe

from marketplace.kit.money import Money
from payouts.gateways import readings
from payouts.gateways.asking import asked
from payouts.gateways.port import (
    Balance,
    BalancePage,
    BankAccount,
    BankPayout,
    Body,
    Checkout,
    Dispute,
    EventPage,
    Recipient,
    Refund,
    Transfer,
)

TIMEOUT_S = 20
PAGE = 100
_WITH_CAPABILITY = ["configuration.recipient", "requirements"]


class StripeGateway:
    """The port over `stripe.StripeClient`; `http_client` is the network or the sandbox."""

    def __init__(
        self,
        *,
        api_key: str,
        api_version: str,
        api_base: str = "",
        http_client: stripe.HTTPClient | None = None,
    ) -> None:
        self.api_version = api_version
        self.is_live = api_key.startswith(("sk_live", "rk_live"))
        self._client = stripe.StripeClient(
            api_key,
            stripe_version=api_version,
            base_addresses={"api": api_base} if api_base else {},
            max_network_retries=0,  # our retries are durable rows
            http_client=http_client or stripe.RequestsClient(timeout=TIMEOUT_S),
        )

    def open_checkout(
        self, *, funding_id: UUID, amount: Money, success_url: str, cancel_url: str, key: str
    ) -> Checkout:
        """A page on which a client pays this amount once."""
        price = {
            "currency": amount.currency.lower(),
            "unit_amount": amount.minor,
            "product_data": {"name": "Balance for expert work"},
        }
        params: Any = {  # Any: the SDK's own TypedDict, checked by Stripe
            "mode": "payment",
            "client_reference_id": str(funding_id),
            "line_items": [{"quantity": 1, "price_data": price}],
            "metadata": {"funding": str(funding_id)},
            "payment_intent_data": {"metadata": {"funding": str(funding_id)}},
            "success_url": success_url,
            "cancel_url": cancel_url,
        }
        with asked():
            session = self._client.v1.checkout.sessions.create(params, {"idempotency_key": key})
        return readings.checkout(session.to_dict())

    def read_checkout(self, *, session_id: str) -> Checkout:
        """The page and its payment as they are now, with the fee once it is known."""
        expand = ["payment_intent.latest_charge.balance_transaction"]
        with asked():
            session = self._client.v1.checkout.sessions.retrieve(session_id, {"expand": expand})
        return readings.checkout(session.to_dict())

    def expire_checkout(self, *, session_id: str, key: str) -> None:
        """Close an open payment page. Stripe refuses to close one that is paid or left."""
        with asked():
            self._client.v1.checkout.sessions.expire(session_id, {}, {"idempotency_key": key})

    def create_recipient(
        self, *, payee_id: UUID, country: str, name: str, email: str, key: str
    ) -> Recipient:
        """A connected account that may receive transfers once its owner has onboarded."""
        capability = {"stripe_balance": {"stripe_transfers": {"requested": True}}}
        params: Any = {  # Any: the SDK's own TypedDict, checked by Stripe
            "contact_email": email,
            "display_name": name,
            "dashboard": "express",
            "identity": {"country": country.lower()},
            "configuration": {"recipient": {"capabilities": capability}},
            "defaults": {
                "responsibilities": {
                    "fees_collector": "application",
                    "losses_collector": "application",
                }
            },
            "metadata": {"payee": str(payee_id)},
            "include": _WITH_CAPABILITY,
        }
        with asked():
            account = self._client.v2.core.accounts.create(params, {"idempotency_key": key})
        return readings.recipient(account.to_dict())

    def read_recipient(self, *, account_id: str) -> Recipient:
        """The account as it is now."""
        params: Any = {"include": _WITH_CAPABILITY}  # Any: the SDK's own TypedDict
        with asked():
            account = self._client.v2.core.accounts.retrieve(account_id, params)
        return readings.recipient(account.to_dict())

    def onboarding_url(self, *, account_id: str, return_url: str, key: str) -> str:
        """A link, good once and for minutes, to the provider's own forms."""
        onboarding = {
            "configurations": ["recipient"],
            "refresh_url": return_url,
            "return_url": return_url,
        }
        params: Any = {  # Any: the SDK's own TypedDict
            "account": account_id,
            "use_case": {"type": "account_onboarding", "account_onboarding": onboarding},
        }
        with asked():
            link = self._client.v2.core.account_links.create(params, {"idempotency_key": key})
        return str(link.url)

    def available(self, *, currency: str) -> Money:
        """What the platform can transfer now."""
        found = [row.available for row in self.balance() if row.available.currency == currency]
        return sum(found, start=Money(0, currency))

    def balance(self) -> tuple[Balance, ...]:
        """What the platform has here, by currency."""
        with asked():
            body = self._client.v1.balance.retrieve().to_dict()
        pending = {row["currency"]: row["amount"] for row in body["pending"]}
        return tuple(
            Balance(
                readings.money(row["amount"], row["currency"]),
                readings.money(pending.get(row["currency"], 0), row["currency"]),
            )
            for row in body["available"]
        )

    def list_balance_transactions(
        self, *, created_after: datetime | None = None, cursor: str = ""
    ) -> BalancePage:
        """A page of movements since an instant, the newest first."""
        with asked():
            found = self._client.v1.balance_transactions.list(_page(created_after, cursor))
        rows, following = _rows(found.to_dict())
        return BalancePage(tuple(readings.balance_transaction(row) for row in rows), following)

    def refund(self, *, payment_intent: str, amount: Money, reference: UUID, key: str) -> Refund:
        """Give part of a payment back. The same arguments make the same request."""
        params: Any = {  # Any: the SDK's own TypedDict, checked by Stripe
            "payment_intent": payment_intent,
            "amount": amount.minor,
            "metadata": {"refund": str(reference)},
        }
        with asked():
            made = self._client.v1.refunds.create(params, {"idempotency_key": key})
        return readings.refund(made.to_dict())

    def read_payment_of(self, *, charge_id: str) -> str:
        """The payment intent that a charge belongs to."""
        with asked():
            charge = self._client.v1.charges.retrieve(charge_id).to_dict()
        return readings.id_of(charge.get("payment_intent"))

    def read_refund(self, *, refund_id: str) -> Refund:
        """A refund as it is now."""
        with asked():
            return readings.refund(self._client.v1.refunds.retrieve(refund_id).to_dict())

    def find_refunds(self, *, payment_intent: str) -> list[Refund]:
        """Every refund of a payment, the newest first."""
        with asked():
            found = self._client.v1.refunds.list({"payment_intent": payment_intent, "limit": PAGE})
        return [readings.refund(row) for row in found.to_dict()["data"]]

    def read_dispute(self, *, dispute_id: str) -> Dispute:
        """A contested payment as it is now."""
        with asked():
            return readings.dispute(self._client.v1.disputes.retrieve(dispute_id).to_dict())

    def list_missed_events(
        self, *, created_after: datetime | None = None, cursor: str = ""
    ) -> EventPage:
        """Messages of the platform whose delivery failed, the newest first."""
        params = _page(created_after, cursor) | {"delivery_success": False}
        with asked():
            found = self._client.v1.events.list(params)
        rows, following = _rows(found.to_dict())
        return EventPage(tuple(rows), following)

    def send_transfer(self, *, request: str, key: str, api_version: str) -> Transfer:
        """Send the frozen request under its own key and version."""
        with asked():
            transfer = self._client.v1.transfers.create(
                json.loads(request), {"idempotency_key": key, "stripe_version": api_version}
            )
        return readings.transfer(transfer.to_dict())

    def read_transfer(self, *, transfer_id: str) -> Transfer:
        """A transfer as it is now."""
        with asked():
            return readings.transfer(self._client.v1.transfers.retrieve(transfer_id).to_dict())

    def find_transfers(self, *, group: str) -> list[Transfer]:
        """Every transfer of a group: at most one of ours, unless something went wrong."""
        with asked():
            found = self._client.v1.transfers.list({"transfer_group": group, "limit": 100})
        return [readings.transfer(row) for row in found.to_dict()["data"]]

    def read_arrival(self, *, account_id: str, payment_id: str) -> Money:
        """What a transfer became in the receiver's own currency. For information only."""
        with asked():
            payment = self._client.v1.charges.retrieve(
                payment_id, {"expand": ["balance_transaction"]}, _on(account_id)
            ).to_dict()
        line = payment["balance_transaction"]
        return readings.money(line["net"], line["currency"])

    def read_bank_payout(self, *, account_id: str, payout_id: str) -> BankPayout:
        """A connected account's bank payout with the transfers that it carries.

        Stripe knows them for its automatic payouts only (docs.stripe.com/payouts/reconciliation).
        """
        options = _on(account_id)
        with asked():
            payout = self._client.v1.payouts.retrieve(payout_id, None, options).to_dict()
            sources = self._carried(payout_id, options) if payout["automatic"] else []
        return readings.bank_payout(payout, sources)

    def pay_bank_by_hand(self, *, account_id: str, key: str) -> None:
        """Have Stripe keep what arrives until we pay it out."""
        self._schedule(account_id, "manual", key)

    def pay_bank_daily(self, *, account_id: str, key: str) -> None:
        """Have Stripe pay out what is there by itself."""
        self._schedule(account_id, "daily", key)

    def _schedule(self, account_id: str, interval: str, key: str) -> None:
        # Accounts v2 keep it here (docs.stripe.com/connect/manual-payouts).
        params: Any = {"payments": {"payouts": {"schedule": {"interval": interval}}}}  # Any: SDK's
        with asked():
            self._client.v1.balance_settings.update(
                params, _on(account_id) | {"idempotency_key": key}
            )

    def send_bank_payout(
        self, *, account_id: str, request: str, key: str, api_version: str
    ) -> BankPayout:
        """Send the frozen request under its own key and version, on the account's behalf."""
        with asked():
            payout = self._client.v1.payouts.create(
                json.loads(request),
                _on(account_id) | {"idempotency_key": key, "stripe_version": api_version},
            )
        return readings.bank_payout(payout.to_dict())

    def find_bank_payouts(self, *, account_id: str, created_after: datetime) -> list[BankPayout]:
        """The payouts of an account since an instant that carry an attempt of ours."""
        found: list[BankPayout] = []
        cursor, is_more = "", True
        while is_more:
            with asked():
                listed = self._client.v1.payouts.list(_page(created_after, cursor), _on(account_id))
            rows, cursor = _rows(listed.to_dict())
            found += [each for each in map(readings.bank_payout, rows) if each.attempt]
            is_more = bool(cursor)
        return found

    def read_bank_account(self, *, account_id: str, bank_account_id: str) -> BankAccount:
        """A bank account as it is now."""
        accounts = self._client.v1.accounts.external_accounts
        with asked():
            return readings.bank_account(accounts.retrieve(account_id, bank_account_id).to_dict())

    def _carried(self, payout_id: str, options: Any) -> list[Body]:  # Any: the SDK's own TypedDict
        """The payments in a payout, also those of an earlier one that came back into it.

        Of an earlier one by hand Stripe tells no payments: it stands for itself.
        """
        lines = self._client.v1.balance_transactions.list(
            {"payout": payout_id, "limit": PAGE, "expand": ["data.source"]}, options
        )
        found: list[Body] = []
        for line in lines.to_dict()["data"]:
            source = line["source"] if isinstance(line["source"], dict) else {}
            if source.get("source_transfer"):
                found.append(source)
            elif source.get("object") == "payout" and source["id"] != payout_id:
                is_told = source["automatic"]
                found += self._carried(source["id"], options) if is_told else [source]
        return found


def _on(account_id: str) -> Any:  # Any: the SDK's own TypedDict
    return {"stripe_account": account_id}


def _page(created_after: datetime | None, cursor: str) -> Any:  # Any: the SDK's own TypedDicts
    params: Any = {"limit": PAGE}  # Any: as above
    if created_after is not None:
        params["created"] = {"gte": int(created_after.timestamp())}
    if cursor:
        params["starting_after"] = cursor
    return params


def _rows(listed: Body) -> tuple[list[Body], str]:
    rows: list[Body] = listed["data"]
    return rows, rows[-1]["id"] if rows and listed["has_more"] else ""
