"""What allauth asks us about accounts and second factors."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings

from marketplace.kit.sealing import seal, unseal
from marketplace.people.access import is_last_factor

# The hook passes no row, so the sealed secret is bound to its purpose only.
_AAD = "mfa.secret"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Signing up makes a plain user. Client roles come by invitation, staff roles from staff."""

    def send_mail(
        self, template_prefix: str, email: str, context: dict[str, Any]
    ) -> None:  # Any: allauth's template values
        """Mail speaks for this instance, whatever address the request came to."""
        super().send_mail(template_prefix, email, {**context, "current_site": _instance()})


@dataclass(frozen=True, slots=True)
class Instance:
    """What mail calls us: the sender's name and the public address."""

    name: str
    domain: str


def _instance() -> Instance:
    domain = str(urlsplit(settings.SITE_URL).netloc)
    return Instance(parseaddr(settings.DEFAULT_FROM_EMAIL)[0] or domain, domain)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Seals the secrets, and keeps the last factor of a role that needs one."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "cannot_delete_authenticator": "Your role needs a second factor. Add another one first.",
        "used_code": "This code was used already. Wait for the next one.",
    }

    def encrypt(self, text: str) -> str:
        return seal(text.encode(), aad=_AAD)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, aad=_AAD).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return not is_last_factor(authenticator)
