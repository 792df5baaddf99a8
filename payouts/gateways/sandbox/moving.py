"""The platform's own money: transfers and their reversals, bank payouts, top-ups, the balance."""

from __future__ import annotations

from marketplace.kit.money import exponent
from payouts.gateways.sandbox import store
from payouts.gateways.sandbox.accounts import currency_of, destination
from payouts.gateways.sandbox.answers import JSON, Refusal, Request, check
from payouts.models import SandboxObject

_TRANSFER = {
    "amount!": int,
    "currency!": str,
    "destination!": str,
    "transfer_group": str,
    "metadata": dict,
}
_REVERSAL = {"amount": int, "metadata": dict}
_PAYOUT = {"amount!": int, "currency!": str, "method": str, "metadata": dict}
_TOPUP = {"amount!": int, "currency!": str, "description": str, "metadata": dict}
# Hundredths of a dollar for one whole unit. The sandbox's own rates, nobody's market.
_RATES = {
    "usd": 100, "eur": 110, "gbp": 130, "chf": 115, "cad": 72, "czk": 4, "dkk": 15,
    "huf": 1, "isk": 1, "nok": 9, "pln": 26, "ron": 22, "sek": 10,
}  # fmt: skip


def create_transfer(request: Request, _: str) -> JSON:
    asked = check(request.params, _TRANSFER)
    account = destination(asked["destination"])
    _require_available(asked)
    group = asked.get("transfer_group", "")
    row = store.add(
        "tr",
        "transfer",
        {
            "amount": asked["amount"],
            "amount_reversed": 0,
            "currency": asked["currency"],
            "destination": asked["destination"],
            "transfer_group": group or None,
            "metadata": asked.get("metadata", {}),
            "reversed": False,
            "reversals": {"object": "list", "data": [], "has_more": False},
        },
        group=group,
    )
    line = store.add_line("transfer", -asked["amount"], asked["currency"], row.object_id)
    payment = _receive(account, row)
    store.change(row, balance_transaction=line.object_id, destination_payment=payment)
    store.emit("platform", "transfer.created", row)
    return store.body_of(row)


def _receive(account: SandboxObject, transfer: SandboxObject) -> str:
    """The payment at the destination, in its own currency, and its automatic bank payout."""
    owner, currency = account.object_id, currency_of(account)
    amount = converted(transfer.body["amount"], transfer.body["currency"], currency)
    payment = store.add(
        "py",
        "charge",
        {
            "amount": transfer.body["amount"],
            "currency": transfer.body["currency"],
            "source_transfer": transfer.object_id,
        },
        account=owner,
    )
    arrived = store.add_line("payment", amount, currency, payment.object_id, account=owner)
    store.change(payment, balance_transaction=arrived.object_id)
    pay_bank(amount, currency, owner, of=arrived)
    return payment.object_id


def converted(amount: int, source: str, target: str) -> int:
    """An amount in another currency, rounded down to a whole minor unit."""
    if source == target:
        return amount
    worth = amount * _RATES.get(source, 100) * 10 ** exponent(target.upper())
    return int(worth // (_RATES[target] * 10 ** exponent(source.upper())))


def pay_bank(amount: int, currency: str, owner: str, *, of: SandboxObject) -> SandboxObject:
    """An automatic payout of an account to its bank, which carries the movement `of`."""
    payout = store.add(
        "po",
        "payout",
        {
            "amount": amount,
            "currency": currency,
            "automatic": True,
            "status": "in_transit",
            "failure_code": None,
        },
        account=owner,
    )
    left = store.add_line("payout", -amount, currency, payout.object_id, account=owner)
    store.change(payout, balance_transaction=left.object_id)
    for line in (of, left):
        line.group = payout.object_id
        line.save(update_fields=["group"])
    store.emit("connect", "payout.created", payout)
    store.settle_bank_later(payout)
    return payout


def create_reversal(request: Request, transfer_id: str) -> JSON:
    asked = check(request.params, _REVERSAL)
    transfer = store.lock(transfer_id, "transfer")
    return store.body_of(reverse(transfer, asked.get("amount"), asked.get("metadata", {})))


def reverse(transfer: SandboxObject, amount: int | None, metadata: JSON) -> SandboxObject:
    """Take part of a transfer back, all that is left of it without an amount."""
    left = transfer.body["amount"] - transfer.body["amount_reversed"]
    wanted, currency = left if amount is None else amount, transfer.body["currency"]
    if not 0 < wanted <= left:
        raise Refusal(400, "parameter_invalid_integer", f"At most {left} can be reversed.")
    row = store.add(
        "trr",
        "transfer_reversal",
        {
            "amount": wanted,
            "currency": currency,
            "transfer": transfer.object_id,
            "metadata": metadata,
        },
    )
    line = store.add_line("transfer_refund", wanted, currency, row.object_id)
    store.change(row, balance_transaction=line.object_id)
    reversals = transfer.body["reversals"]
    store.change(
        transfer,
        amount_reversed=transfer.body["amount_reversed"] + wanted,
        reversed=wanted == left,
        reversals={**reversals, "data": [row.body, *reversals["data"]]},
    )
    store.emit("platform", "transfer.reversed", transfer)
    return row


def create_payout(request: Request, _: str) -> JSON:
    asked = check(request.params, _PAYOUT)
    _require_available(asked, account=request.account)
    return store.body_of(withdraw(asked["amount"], asked["currency"], account=request.account))


def withdraw(amount: int, currency: str, *, account: str = "") -> SandboxObject:
    """A payout by hand from a balance to its owner's bank."""
    row = store.add(
        "po",
        "payout",
        {
            "amount": amount,
            "currency": currency,
            "automatic": False,
            "status": "in_transit",
            "failure_code": None,
        },
        account=account,
    )
    line = store.add_line("payout", -amount, currency, row.object_id, account=account)
    store.change(row, balance_transaction=line.object_id)
    store.emit("connect" if account else "platform", "payout.created", row)
    store.settle_bank_later(row)
    return row


def create_topup(request: Request, _: str) -> JSON:
    asked = check(request.params, _TOPUP)
    if asked["amount"] <= 0:
        raise Refusal(400, "parameter_invalid_integer", "Amount must be positive.")
    return store.body_of(top_up(asked["amount"], asked["currency"]))


def top_up(amount: int, currency: str) -> SandboxObject:
    """Money from the platform's own bank."""
    row = store.add("tu", "topup", {"amount": amount, "currency": currency, "status": "succeeded"})
    line = store.add_line("topup", amount, currency, row.object_id)
    store.change(row, balance_transaction=line.object_id)
    store.emit("platform", "topup.succeeded", row)
    return row


def read_balance(request: Request, _: str) -> JSON:
    rows = store.balances(request.account)
    return {
        "object": "balance",
        "livemode": False,
        "available": [{"amount": free, "currency": currency} for currency, free, _ in rows],
        "pending": [{"amount": later, "currency": currency} for currency, _, later in rows],
    }


def _require_available(asked: JSON, *, account: str = "") -> None:
    if asked["amount"] <= 0:
        raise Refusal(400, "parameter_invalid_integer", "Amount must be positive.")
    store.lock_balance()
    if store.available(asked["currency"], account) < asked["amount"]:
        raise Refusal(400, "balance_insufficient", "You have insufficient available funds.")
