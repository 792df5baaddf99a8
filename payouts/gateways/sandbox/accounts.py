"""Connected accounts: made, set up through a link, able or not to receive."""

from __future__ import annotations

from django.conf import settings

from payouts.gateways.sandbox import store
from payouts.gateways.sandbox.answers import JSON, Refusal, Request, check
from payouts.models import SandboxObject

_ACCOUNT = {
    "contact_email!": str,
    "display_name": str,
    "dashboard": str,
    "identity!": {"country!": str},
    "configuration!": {"recipient!": dict},
    "defaults": dict,
    "metadata": dict,
    "include": [str],
}
_ONBOARDING = {"configurations!": [str], "refresh_url!": str, "return_url": str}
_LINK = {"account!": str, "use_case!": {"type!": str, "account_onboarding!": _ONBOARDING}}
# The currency of the bank accounts of a country; elsewhere it is the euro.
_CURRENCIES = {
    "us": "usd",
    "gb": "gbp",
    "ca": "cad",
    "ch": "chf",
    "li": "chf",
    "cz": "czk",
    "dk": "dkk",
    "hu": "huf",
    "is": "isk",
    "no": "nok",
    "pl": "pln",
    "ro": "ron",
    "se": "sek",
}


def create_account(request: Request, _: str) -> JSON:
    asked = check(request.params, _ACCOUNT)
    missing = [{"code": "requirements_past_due", "resolution": "provide_info"}]
    row = store.add(
        "acct",
        "v2.core.account",
        {
            "contact_email": asked["contact_email"],
            "display_name": asked.get("display_name"),
            "dashboard": asked.get("dashboard"),
            "identity": asked["identity"],
            "metadata": asked.get("metadata", {}),
            "closed": False,
            **with_capability("restricted", missing),
        },
    )
    return store.body_of(row)


def create_link(request: Request, _: str) -> JSON:
    asked = check(request.params, _LINK)
    store.get(asked["account"], "v2.core.account")
    row = store.add("alink", "v2.core.account_link", asked)
    store.change(row, url=f"{settings.SITE_URL}/sandbox/onboarding/{row.object_id}")
    return store.body_of(row)


def destination(account_id: str) -> SandboxObject:
    """An account that may receive now, or Stripe's refusal."""
    rows = SandboxObject.objects.filter(object_id=account_id, type="v2.core.account")
    account = rows.order_by("position").first()
    if account is None:
        raise Refusal(400, "resource_missing", f"No such destination: '{account_id}'")
    if account.body["closed"]:
        raise Refusal(400, "account_invalid", "The destination account is closed.")
    if capability(account)["status"] != "active":
        raise Refusal(
            400,
            "insufficient_capabilities_for_transfer",
            "Your destination account needs to have the transfers capability enabled.",
        )
    return account


def currency_of(account: SandboxObject) -> str:
    """The currency of the account's bank."""
    return _CURRENCIES.get(account.body["identity"]["country"], "eur")


def with_capability(status: str, details: list[JSON]) -> JSON:
    """The recipient configuration of an account in this state."""
    transfers = {"requested": True, "status": status, "status_details": details}
    capabilities = {"stripe_balance": {"stripe_transfers": transfers}}
    return {"configuration": {"recipient": {"applied": True, "capabilities": capabilities}}}


def capability(account: SandboxObject) -> JSON:
    """The state of an account's transfers capability."""
    recipient = account.body["configuration"]["recipient"]
    found: JSON = recipient["capabilities"]["stripe_balance"]["stripe_transfers"]
    return found
