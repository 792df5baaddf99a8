"""Stripe through its own SDK. Our keys, our retries, never inside a transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import stripe
from django.db import transaction

from marketplace.kit.money import Money
from payouts.gateways.port import (
    BankPayout,
    Checkout,
    KeyConflict,
    Misconfigured,
    OutcomeUnknown,
    Recipient,
    Refused,
    ReplayedFailure,
    SlowDown,
    Transfer,
)

TIMEOUT_S = 20
_BUSY = {"lock_timeout", "rate_limit", "idempotency_key_in_use"}
_WITH_CAPABILITY = ["configuration.recipient", "requirements"]
Body = Mapping[str, Any]  # Any: JSON as Stripe writes it


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
        with _asked():
            session = self._client.v1.checkout.sessions.create(params, {"idempotency_key": key})
        return _checkout(session.to_dict())

    def read_checkout(self, *, session_id: str) -> Checkout:
        """The page and its payment as they are now, with the fee once it is known."""
        expand = ["payment_intent.latest_charge.balance_transaction"]
        with _asked():
            session = self._client.v1.checkout.sessions.retrieve(session_id, {"expand": expand})
        return _checkout(session.to_dict())

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
        with _asked():
            account = self._client.v2.core.accounts.create(params, {"idempotency_key": key})
        return _recipient(account.to_dict())

    def read_recipient(self, *, account_id: str) -> Recipient:
        """The account as it is now."""
        params: Any = {"include": _WITH_CAPABILITY}  # Any: the SDK's own TypedDict
        with _asked():
            account = self._client.v2.core.accounts.retrieve(account_id, params)
        return _recipient(account.to_dict())

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
        with _asked():
            link = self._client.v2.core.account_links.create(params, {"idempotency_key": key})
        return str(link.url)

    def available(self, *, currency: str) -> Money:
        """What the platform can transfer now."""
        with _asked():
            balance = self._client.v1.balance.retrieve().to_dict()
        rows = balance["available"]
        found = sum(row["amount"] for row in rows if row["currency"] == currency.lower())
        return Money(found, currency)

    def send_transfer(self, *, request: str, key: str, api_version: str) -> Transfer:
        """Send the frozen request under its own key and version."""
        with _asked():
            transfer = self._client.v1.transfers.create(
                json.loads(request), {"idempotency_key": key, "stripe_version": api_version}
            )
        return _transfer(transfer.to_dict())

    def read_transfer(self, *, transfer_id: str) -> Transfer:
        """A transfer as it is now."""
        with _asked():
            return _transfer(self._client.v1.transfers.retrieve(transfer_id).to_dict())

    def find_transfers(self, *, group: str) -> list[Transfer]:
        """Every transfer of a group: at most one of ours, unless something went wrong."""
        with _asked():
            found = self._client.v1.transfers.list({"transfer_group": group, "limit": 100})
        return [_transfer(row) for row in found.to_dict()["data"]]

    def read_bank_payout(self, *, account_id: str, payout_id: str) -> BankPayout:
        """A connected account's bank payout with the transfers that it carries."""
        options: Any = {"stripe_account": account_id}  # Any: the SDK's own TypedDict
        with _asked():
            payout = self._client.v1.payouts.retrieve(payout_id, None, options).to_dict()
            lines = self._client.v1.balance_transactions.list(
                {"payout": payout_id, "limit": 100, "expand": ["data.source"]}, options
            )
        sources = [line["source"] for line in lines.to_dict()["data"]]
        transfers = [
            s["source_transfer"]
            for s in sources
            if isinstance(s, dict) and s.get("source_transfer")
        ]
        return BankPayout(
            payout_id=payout["id"],
            state=payout["status"],
            why=payout.get("failure_code") or "",
            transfers=tuple(transfers),
        )


@contextmanager
def _asked() -> Iterator[None]:
    """Refuse to call from inside a transaction; turn the SDK's errors into the port's."""
    with transaction.atomic(durable=True):
        pass
    try:
        yield
    except stripe.IdempotencyError as error:
        raise KeyConflict(str(error), code="idempotency_error") from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise Misconfigured(str(error), code=error.code or "") from error
    except stripe.RateLimitError as error:
        raise SlowDown(str(error), code="rate_limit") from error
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        if error.code in _BUSY:
            raise SlowDown(str(error), code=error.code or "") from error
        raise Refused(str(error.user_message or error), code=error.code or "") from error
    except stripe.APIError as error:
        raise _server_error(error) from error
    except stripe.StripeError as error:
        raise OutcomeUnknown(str(error), code=error.code or "") from error


def _server_error(error: stripe.APIError) -> SlowDown | OutcomeUnknown:
    if error.http_status == 409:
        return SlowDown(str(error), code="conflict")
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if headers.get("idempotent-replayed") == "true":
        return ReplayedFailure(str(error), code="replayed")
    return OutcomeUnknown(str(error), code=str(error.http_status or ""))


def _checkout(body: Body) -> Checkout:
    intent = body.get("payment_intent")
    payment: Body = intent if isinstance(intent, dict) else {}
    is_paid = body.get("payment_status") == "paid"
    currency = str(body["currency"]).upper()
    received = payment.get("amount_received") or body["amount_total"]
    is_stuck = payment.get("status") in {"requires_payment_method", "canceled"}
    fee, fee_id = _fee(payment)
    return Checkout(
        session_id=body["id"],
        url=body.get("url") or "",
        is_open=body["status"] == "open",
        is_paid=is_paid,
        is_failed=body["status"] == "complete" and not is_paid and is_stuck,
        payment_intent=payment.get("id") or (intent if isinstance(intent, str) else ""),
        received=Money(received, currency) if is_paid else None,
        fee=fee,
        fee_id=fee_id,
    )


def _fee(payment: Body) -> tuple[Money | None, str]:
    charge = payment.get("latest_charge")
    line = charge.get("balance_transaction") if isinstance(charge, dict) else None
    if not isinstance(line, dict):
        return None, ""
    return Money(line["fee"], str(line["currency"]).upper()), line["id"]


def _recipient(body: Body) -> Recipient:
    configuration = (body.get("configuration") or {}).get("recipient") or {}
    balance = (configuration.get("capabilities") or {}).get("stripe_balance") or {}
    capability = balance.get("stripe_transfers") or {}
    details = capability.get("status_details") or []
    return Recipient(
        account_id=body["id"],
        can_receive=capability.get("status") == "active",
        is_closed=bool(body.get("closed")),
        why=details[0]["code"] if details else "",
    )


def _transfer(body: Body) -> Transfer:
    return Transfer(
        transfer_id=body["id"],
        amount=Money(body["amount"], str(body["currency"]).upper()),
        destination=str(body["destination"]),
        group=body.get("transfer_group") or "",
        attempt=(body.get("metadata") or {}).get("attempt", ""),
    )
