"""Connected accounts that the platform pays out by hand: their schedule, banks and payouts."""

from __future__ import annotations

from payouts.gateways.sandbox import store
from payouts.gateways.sandbox.accounts import currency_of
from payouts.gateways.sandbox.answers import JSON, Refusal, Request, check
from payouts.gateways.sandbox.listing import lister
from payouts.gateways.sandbox.moving import require_available, withdraw
from payouts.models import SandboxObject

_SCHEDULE = {"payments!": {"payouts!": {"schedule!": {"interval!": str}}}}
_PAYOUT = {"amount!": int, "currency!": str, "method": str, "metadata": dict}
_FILTERS = {"payout": "group", "type": "body__type", "source": "body__source"}
_movements = lister("balance_transaction", **_FILTERS)


def set_schedule(request: Request, _: str) -> JSON:
    """Who pays the bank of an account from now on."""
    schedule = check(request.params, _SCHEDULE)["payments"]["payouts"]["schedule"]
    if schedule["interval"] not in {"manual", "daily"}:
        raise Refusal(400, "parameter_invalid_string", "The interval is manual or daily.")
    account = store.lock(request.account, "v2.core.account")
    store.change(account, schedule=schedule["interval"])
    return {"object": "balance_settings", "payments": {"payouts": {"schedule": schedule}}}


def create_payout(request: Request, _: str) -> JSON:
    """A payout by hand: of the platform, or of a connected account to its own bank."""
    asked = check(request.params, _PAYOUT)
    if request.account:
        return store.body_of(_pay_bank(asked, request.account))
    require_available(asked)
    row = withdraw(asked["amount"], asked["currency"], metadata=asked.get("metadata", {}))
    return store.body_of(row)


def _pay_bank(asked: JSON, owner: str) -> SandboxObject:
    account = store.get(owner, "v2.core.account")
    if account.body["closed"]:
        raise Refusal(400, "payouts_not_allowed", "Payouts are disabled on this account.")
    if asked["currency"] != currency_of(account):
        raise Refusal(400, "invalid_currency", "The account has no bank account in this currency.")
    require_available(asked, account=owner)
    return withdraw(
        asked["amount"],
        asked["currency"],
        account=owner,
        metadata=asked.get("metadata", {}),
        destination=bank_of(account).object_id,
    )


def bank_of(account: SandboxObject) -> SandboxObject:
    """The bank account that is paid: the last one that its owner gave."""
    rows = SandboxObject.objects.filter(type="bank_account", account=account.object_id)
    return rows.order_by("-position").first() or add_bank(account)


def add_bank(account: SandboxObject) -> SandboxObject:
    """The owner gives another bank account."""
    body = {"currency": currency_of(account), "status": "new", "account": account.object_id}
    return store.add("ba", "bank_account", body, account=account.object_id)


def read_bank(request: Request, bank_id: str) -> JSON:
    """A bank account of the connected account that the path names."""
    owner = request.path.split("/")[3]
    return store.body_of(store.get(bank_id, "bank_account", account=owner))


def list_movements(request: Request, _: str) -> JSON:
    """A page of movements. Which of them a payout by hand carries nobody knows."""
    payout = SandboxObject.objects.filter(object_id=request.params.get("payout", ""))
    if payout.filter(body__automatic=False).exists():
        raise Refusal(400, "parameter_invalid", "Only automatic payouts know their transactions.")
    return _movements(request, "")
