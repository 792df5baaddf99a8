"""allauth's code forms, remembering a used code for as long as it would pass again."""

from __future__ import annotations

from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms
from allauth.mfa.models import Authenticator
from django.core.cache import cache


class _EachCodeOnce(forms.BaseAuthenticateForm):  # type: ignore[misc]  # allauth has no types
    """allauth forgets a used code after one period; with a tolerance it passes for three."""

    def clean_code(self) -> str:
        code: str = super().clean_code()
        if self.authenticator.type == Authenticator.Type.TOTP:
            seconds = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
            used = f"people.totp.used:{self.user.pk}:{normalize_user_code(code)}"
            if not cache.add(used, 1, timeout=seconds):
                raise get_adapter().validation_error("used_code")
        return code


class AuthenticateForm(_EachCodeOnce, forms.AuthenticateForm):  # type: ignore[misc]  # as above
    """The second factor at sign-in."""


class ReauthenticateForm(_EachCodeOnce, forms.ReauthenticateForm):  # type: ignore[misc]  # too
    """The second factor before a guarded page."""
