"""Rules that must hold on ways around our verbs."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from marketplace.kit.errors import DomainError
from marketplace.people.access import is_last_factor


class LastFactor(DomainError):
    """The only second factor of somebody whose role needs one."""

    code = "last_factor"


# allauth asks its adapter before it removes a code generator, but not before a passkey.
@receiver(pre_delete, sender=Authenticator)
def keep_last_factor(instance: Authenticator, **kwargs: Any) -> None:  # Any: Django's signal
    """Refuse to remove the last factor of a role that needs one."""
    del kwargs
    if is_last_factor(instance):
        raise LastFactor("Your role needs a second factor. Add another one first.")
