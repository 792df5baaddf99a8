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
_TOPUP = {"amount!": int, "currency!": str, "description": str, "metadata": dict}
# Hundredths of a dollar for one whole unit. The sandbox's own rates, nobody's market.
_RATES = {
    "usd": 100, "eur": 110, "gbp": 130, "chf": 115, "cad": 72, "czk": 4, "dkk": 15,
    "huf": 1, "isk": 1, "nok": 9, "pln": 26, "ron": 22, "sek": 10,
}  # fmt: skip


def create_transfer(request: Request, _: str) -> JSON:
    asked = check(request.params, _TRANSFER)
    account = destination(asked["destination"])
    require_available(asked)
    group, transfer_id = asked.get("transfer_group", ""), store.new_id("tr")
    line = store.draft_line("transfer", -asked["amount"], asked["currency"], transfer_id)
    arrived, payment, bank = _receive(account, asked, transfer_id)
    row = store.draft(
        "tr",
        "transfer",
        {
            "amount": asked["amount"],
            "amount_reversed": 0,
            "currency": asked["currency"],
            "destination": asked["destination"],
            "destination_payment": payment.object_id,
            "transfer_group": group or None,
            "metadata": asked.get("metadata", {}),
            "balance_transaction": line.object_id,
            "reversed": False,
            "reversals": {"object": "list", "data": [], "has_more": False},
        },
        group=group,
        object_id=transfer_id,
    )
    store.keep(line, row, arrived, payment, *bank)
    store.emit("platform", "transfer.created", row)
    if bank:
        _announce(bank[-1])
    return store.body_of(row)


def _receive(
    account: SandboxObject, asked: JSON, transfer_id: str
) -> tuple[SandboxObject, SandboxObject, list[SandboxObject]]:
    """What happens at the destination: a movement and its payment, and the payout to the bank
    unless that is left to the platform.
    """
    owner, currency = account.object_id, currency_of(account)
    amount = converted(asked["amount"], asked["currency"], currency)
    payment_id, payout_id = store.new_id("py"), store.new_id("po")
    arrived = store.draft_line(
        "payment", amount, currency, payment_id, account=owner, group=payout_id
    )
    payment = store.draft(
        "py",
        "charge",
        {
            "amount": asked["amount"],
            "currency": asked["currency"],
            "source_transfer": transfer_id,
            "balance_transaction": arrived.object_id,
        },
        account=owner,
        object_id=payment_id,
    )
    is_manual = account.body.get("schedule") == "manual"
    bank = [] if is_manual else _bank_payout(amount, currency, owner, payout_id)
    return arrived, payment, bank


def converted(amount: int, source: str, target: str) -> int:
    """An amount in another currency, rounded down to a whole minor unit."""
    if source == target:
        return amount
    worth = amount * _RATES.get(source, 100) * 10 ** exponent(target.upper())
    return int(worth // (_RATES[target] * 10 ** exponent(source.upper())))


def pay_bank(amount: int, currency: str, owner: str, payout_id: str) -> SandboxObject:
    """An automatic payout of an account to its bank; it carries the movements of its group."""
    rows = _bank_payout(amount, currency, owner, payout_id)
    store.keep(*rows)
    _announce(rows[-1])
    return rows[-1]


def _bank_payout(amount: int, currency: str, owner: str, payout_id: str) -> list[SandboxObject]:
    left = store.draft_line("payout", -amount, currency, payout_id, account=owner, group=payout_id)
    body = {
        "amount": amount,
        "currency": currency,
        "automatic": True,
        "status": "in_transit",
        "failure_code": None,
        "balance_transaction": left.object_id,
    }
    return [left, store.draft("po", "payout", body, account=owner, object_id=payout_id)]


def _announce(payout: SandboxObject) -> None:
    store.emit("connect", "payout.created", payout)
    store.settle_bank_later(payout)


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
    _take_from(transfer, wanted)
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


def _take_from(transfer: SandboxObject, amount: int) -> None:
    """An account that is paid out by hand gives back only what it still has."""
    owner, source = transfer.body["destination"], transfer.body["currency"]
    account = store.get(owner, "v2.core.account")
    if account.body.get("schedule") != "manual":
        return
    wanted = converted(amount, source, currency_of(account))
    require_available({"amount": wanted, "currency": currency_of(account)}, account=owner)
    store.add_line(
        "payment_refund", -wanted, currency_of(account), transfer.object_id, account=owner
    )


def withdraw(
    amount: int,
    currency: str,
    *,
    account: str = "",
    metadata: JSON | None = None,
    destination: str | None = None,
) -> SandboxObject:
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
            "metadata": metadata or {},
            "destination": destination,
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


def require_available(asked: JSON, *, account: str = "") -> None:
    """Refuse as Stripe does what an account does not have free."""
    if asked["amount"] <= 0:
        raise Refusal(400, "parameter_invalid_integer", "Amount must be positive.")
    store.lock_balance()
    if store.available(asked["currency"], account) < asked["amount"]:
        raise Refusal(400, "balance_insufficient", "You have insufficient available funds.")
