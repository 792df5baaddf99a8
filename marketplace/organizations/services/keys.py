"""API keys: made once, shown once, revoked for good."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.organizations.access import MANAGING_ROLES, require_role
from marketplace.organizations.models import ApiKey, Organization
from marketplace.organizations.models.keys import LONGEST_LIFE
from marketplace.organizations.selectors import TOKEN_MARK, hash_secret, live_keys
from marketplace.people.access import staff_roles
from marketplace.people.models import User

KEYS_PER_NAME = 2
_USE_NOTED_EVERY = timedelta(minutes=1)


class TooManyKeys(DomainError):
    """Two live keys of one name are enough for a rotation."""

    code = "too_many_keys"


@transaction.atomic
def create_api_key(
    *,
    organization: Organization,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime,
    by: User,
    at: datetime,
    project_ids: Sequence[UUID] = (),
) -> tuple[ApiKey, str]:
    """Make a key and return it with its full text, which nobody can read again.

    Owners and managers only. Raises InvalidInput, or TooManyKeys where two of that name live.
    """
    require_role(by, organization, *MANAGING_ROLES)
    _check(name=name, scopes=scopes, expires_at=expires_at, at=at)
    organization = Organization.objects.select_for_update().get(pk=organization.pk)
    if live_keys(organization.api_keys.filter(name=name.strip()), at=at).count() >= KEYS_PER_NAME:
        raise TooManyKeys(
            f"{organization.name} has two keys called {name.strip()}. Revoke one, or take "
            "another name."
        )
    prefix, secret = secrets.token_hex(6), secrets.token_hex(32)
    key = organization.api_keys.create(
        name=name.strip(),
        prefix=prefix,
        secret_sha256=hash_secret(secret),
        scopes=sorted(set(scopes)),
        project_ids=sorted(set(project_ids)),
        created_by=by,
        created_at=at,
        expires_at=expires_at,
    )
    _record("api_key.created", key=key, by=by, at=at)
    return key, f"{TOKEN_MARK}_{prefix}_{secret}"


@transaction.atomic
def revoke_api_key(*, key: ApiKey, by: User, at: datetime) -> ApiKey:
    """Stop a key at once. Owners, managers and support. Revoking twice changes nothing."""
    if "support" not in staff_roles(by):
        require_role(by, key.organization, *MANAGING_ROLES)
    locked = ApiKey.objects.select_for_update().get(pk=key.pk)
    if locked.revoked_at is None:
        locked.revoked_at = at
        locked.save(update_fields=["revoked_at"])
        _record("api_key.revoked", key=locked, by=by, at=at)
    return locked


def note_use(*, key: ApiKey, at: datetime) -> None:
    """Keep when the key was last used, to the minute; no Event, and one write a minute at most."""
    if key.last_used_at and at - key.last_used_at < _USE_NOTED_EVERY:
        return
    is_older = Q(last_used_at__isnull=True) | Q(last_used_at__lte=at - _USE_NOTED_EVERY)
    ApiKey.objects.filter(is_older, pk=key.pk).update(last_used_at=at)


def _check(*, name: str, scopes: Sequence[str], expires_at: datetime, at: datetime) -> None:
    errors = []
    if not name.strip():
        errors.append({"field": "name", "problem": "Give the key a name."})
    unknown = sorted(set(scopes) - set(ApiKey.Scope.values))
    if unknown or not scopes:
        known = ", ".join(ApiKey.Scope.values)
        errors.append({"field": "scopes", "problem": f"Choose from {known}."})
    if not at < expires_at <= at + LONGEST_LIFE:
        errors.append({"field": "expires_at", "problem": "A key lives for a year at most."})
    if errors:
        raise InvalidInput(errors[0]["problem"], errors=errors)


def _record(kind: str, *, key: ApiKey, by: User, at: datetime) -> None:
    record(
        kind,
        at=at,
        object_kind="api_key",
        object_id=key.pk,
        actor=by.pk,
        organization=key.organization_id,
        data={"prefix": key.prefix, "scopes": list(key.scopes)},
    )
